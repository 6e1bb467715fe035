//! Every input that fuzzing found worth keeping, and some changes of each, meet their target.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::{env, fs};

use keymoor_fuzz::TARGETS;
use keymoor_testkit::Dice;

/// How many changes of each file are tried.
const SHORT: usize = 20;
const LONG: usize = 2_000;

const MAX_FILES: usize = 200;
const MAX_BYTES: usize = 300_000;

fn corpus() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("corpus")
}

/// The kept inputs of one target, in order of name.
fn kept(target: &str) -> Vec<Vec<u8>> {
    let entries = fs::read_dir(corpus().join(target)).expect("every target has a corpus");
    let files: BTreeSet<PathBuf> = entries
        .map(|entry| entry.expect("a folder can be listed").path())
        .collect();
    files
        .iter()
        .map(|file| fs::read(file).expect("a kept file can be read"))
        .collect()
}

#[test]
fn every_kept_input_and_its_neighbours_hold() {
    let long = env::var_os("KEYMOOR_TEST_LONG").is_some();
    for target in TARGETS {
        let inputs = [(target.seeds)(), kept(target.name)].concat();
        for (index, input) in inputs.iter().enumerate() {
            (target.run)(input);
            let mut dice = Dice::new(index as u64);
            let mut changed = input.clone();
            for round in 0..if long { LONG } else { SHORT } {
                // Changes add up for a while, then start from the input again.
                if round % 5 == 0 {
                    changed.clone_from(input);
                }
                changed = dice.changed(&changed);
                (target.run)(&changed);
            }
        }
        println!("{}: {} inputs", target.name, inputs.len());
    }
}

#[test]
fn the_corpus_stays_small_and_belongs_to_targets() {
    let folders = fs::read_dir(corpus()).unwrap();
    let folders: BTreeSet<String> = folders
        .map(|folder| folder.unwrap().file_name().into_string().unwrap())
        .collect();
    let names = TARGETS.iter().map(|target| target.name.to_owned());
    assert_eq!(folders, names.collect());
    let sizes: Vec<usize> = TARGETS
        .iter()
        .flat_map(|target| kept(target.name))
        .map(|input| input.len())
        .collect();
    assert!(sizes.len() < MAX_FILES, "{} files", sizes.len());
    assert!(sizes.iter().sum::<usize>() < MAX_BYTES);
}
