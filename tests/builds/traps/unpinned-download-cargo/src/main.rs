use unicode_segmentation::{UnicodeSegmentation, UNICODE_VERSION};

fn main() {
    let letters: Vec<&str> = "apple".graphemes(true).rev().collect();
    println!("{} by Unicode {}", letters.concat(), UNICODE_VERSION.0);
}
