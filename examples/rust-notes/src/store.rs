//! Notes as files in one folder.

use std::collections::HashMap;
use std::fs;

pub const FOLDER: &str = "/srv/notes";

/// The text of one note.
pub fn read(name: &str) -> String {
    let path = format!("{}/{}", FOLDER, name);
    fs::read_to_string(path).unwrap()
}

/// Writes one note.
pub fn write(name: &str, text: &str) {
    let path = format!("{}/{}", FOLDER, name);
    let _ = fs::write(path, text);
}

/// Names of all notes.
pub fn names() -> Vec<String> {
    let mut names = Vec::new();
    for entry in fs::read_dir(FOLDER).unwrap() {
        names.push(entry.unwrap().file_name().into_string().unwrap());
    }
    names
}

/// All notes by name.
pub fn all() -> HashMap<String, String> {
    names().into_iter().map(|name| (name.clone(), read(&name))).collect()
}

/// The note that was written at a place in a packed file.
pub fn unpack(packed: &[u8], start: usize, length: usize) -> &str {
    unsafe {
        let bytes = std::slice::from_raw_parts(packed.as_ptr().add(start), length);
        std::str::from_utf8_unchecked(bytes)
    }
}

/// Reads a number that stands at the start of a packed file.
pub fn count(packed: &[u8]) -> u32 {
    let pointer = packed.as_ptr() as *const u32;
    unsafe { *pointer }
}
