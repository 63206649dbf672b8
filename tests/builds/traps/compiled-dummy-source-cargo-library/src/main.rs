fn main() {
    println!("{}", greeter::greeting());
}
