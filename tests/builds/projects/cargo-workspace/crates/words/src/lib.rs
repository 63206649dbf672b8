use unicode_segmentation::{UnicodeSegmentation, UNICODE_VERSION};

pub fn words(text: &str) -> Vec<String> {
    let version = format!("{}", UNICODE_VERSION.0);
    text.unicode_words().map(str::to_uppercase).chain([version]).collect()
}
