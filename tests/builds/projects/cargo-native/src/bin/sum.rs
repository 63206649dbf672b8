extern "C" {
    fn sums_add(one: i32, other: i32) -> i32;
}

fn main() {
    let sum = unsafe { sums_add(40, 2) };
    println!("{} by Unicode {}", sum, unicode_segmentation::UNICODE_VERSION.0);
}
