fn main() {
    println!("{} {}", shared::number(1234567), words::words("one two  three").join("-"));
}

#[cfg(test)]
mod tests {
    #[test]
    fn words_are_counted() {
        assert_eq!(counts::count("one two"), 2);
    }
}
