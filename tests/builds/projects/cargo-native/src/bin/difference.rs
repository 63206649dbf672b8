fn main() {
    println!("{}", 42 - 2);
}
