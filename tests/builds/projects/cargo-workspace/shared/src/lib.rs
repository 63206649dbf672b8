pub fn number(value: u32) -> String {
    itoa::Buffer::new().format(value).to_owned()
}
