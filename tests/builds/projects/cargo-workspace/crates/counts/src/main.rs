fn main() {
    println!("{}", counts::count("one two three"));
}
