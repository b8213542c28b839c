//! Notes in the browser.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use crate::store;

/// Answers requests for ever.
pub fn serve(address: &str) {
    let listener = TcpListener::bind(address).unwrap();
    for stream in listener.incoming() {
        answer(stream.unwrap());
    }
}

fn answer(mut stream: TcpStream) {
    let mut buffer = [0; 4096];
    let length = stream.read(&mut buffer).unwrap();
    let request = String::from_utf8_lossy(&buffer[..length]).to_string();
    let path = request.split(' ').nth(1).unwrap();
    let name = path.trim_start_matches("/notes/");
    let page = format!("<h1>{}</h1><pre>{}</pre>", name, store::read(name));
    let head = format!("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\n\r\n", page.len());
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(page.as_bytes()).unwrap();
}
