//! Looking for words in notes.

use std::collections::HashMap;

/// Names of the notes that contain all words.
pub fn find(notes: &HashMap<String, String>, words: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for (name, text) in notes {
        for word in words.split(' ') {
            if text.contains(word) && !found.contains(name) {
                found.push(name.clone());
            }
        }
    }
    found
}

/// Pairs of notes with the same first line.
pub fn twins(notes: &Vec<(String, String)>) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    for left in notes {
        for right in notes {
            if left.0 < right.0 && left.1.lines().next() == right.1.lines().next() {
                pairs.push((left.0.clone(), right.0.clone()));
            }
        }
    }
    pairs
}

pub fn grade(words: usize, links: usize, age: u32, starred: bool, shared: bool, draft: bool) -> u32 {
    let mut grade = 0;
    if words > 1000 {
        grade += 3;
    } else if words > 300 {
        grade += 2;
    } else if words > 50 {
        grade += 1;
    }
    if links > 0 {
        if links > 10 {
            if shared {
                grade += 3;
            } else {
                grade += 2;
            }
        } else if age < 30 || starred {
            grade += 1;
        }
    }
    if draft && !starred {
        if age > 365 {
            return 0;
        } else if age > 30 && grade > 1 {
            grade -= 1;
        }
    }
    match (starred, shared) {
        (true, true) => grade + 3,
        (true, false) => grade + 2,
        (false, true) => grade + 1,
        (false, false) => grade,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_note_has_a_better_grade() {
        assert!(grade(2000, 0, 1, false, false, false) > grade(10, 0, 1, false, false, false));
    }
}
