use unicode_segmentation::UnicodeSegmentation;

pub fn count(text: &str) -> usize {
    text.unicode_words().count()
}
