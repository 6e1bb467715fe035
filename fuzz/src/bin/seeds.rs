//! Writes every target's seeds below a directory: `seeds DIRECTORY`.

use std::path::Path;
use std::{env, fs, io};

use keymoor_fuzz::TARGETS;

fn main() -> io::Result<()> {
    let directory = env::args_os().nth(1).expect("usage: seeds DIRECTORY");
    for target in TARGETS {
        let below = Path::new(&directory).join(target.name);
        fs::create_dir_all(&below)?;
        for (index, seed) in (target.seeds)().iter().enumerate() {
            fs::write(below.join(format!("seed-{index}")), seed)?;
        }
    }
    Ok(())
}
