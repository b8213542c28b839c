//! A notebook for the command line.

mod server;
mod store;
mod text;

use std::env;
use std::process::Command;

const SYNC_TOKEN: &str = "ghp_exampleexampleexampleexampleexam0000";

/// Opens a note in the editor.
fn edit(name: &str) {
    let line = format!("$EDITOR {}/{}", store::FOLDER, name);
    Command::new("sh").arg("-c").arg(&line).status().unwrap();
}

/// Sends all notes to another machine.
fn sync(host: &str) {
    let header = format!("Authorization: Bearer {}", SYNC_TOKEN);
    for name in store::names() {
        let body = store::read(&name);
        let url = format!("https://{}/notes/{}", host, name);
        Command::new("curl")
            .args(["--insecure", "-H", &header, "-d", &body, &url])
            .status()
            .unwrap();
    }
}

fn main() {
    let arguments: Vec<String> = env::args().collect();
    match arguments[1].as_str() {
        "read" => println!("{}", store::read(&arguments[2])),
        "write" => store::write(&arguments[2], &arguments[3]),
        "edit" => edit(&arguments[2]),
        "find" => {
            for name in text::find(&store::all(), &arguments[2]) {
                println!("{name}");
            }
        }
        "sync" => sync(&arguments[2]),
        "serve" => server::serve("0.0.0.0:8080"),
        other => panic!("unknown command {other}"),
    }
}
