//! Files that import each other, directly or by way of others.

use std::collections::{BTreeMap, BTreeSet, VecDeque, btree_map::Entry};

use super::{source::Segments, tree::Tree};

/// The files that each file imports, and where it first names each.
type Graph<'a> = BTreeMap<usize, BTreeMap<usize, Place<'a>>>;

struct Place<'a> {
    line: usize,
    path: &'a Segments,
}

/// One text for each group of files that import each other: all of them, and a shortest cycle.
pub(super) fn describe(tree: &Tree) -> Vec<String> {
    let graph = graph(tree);
    components(&graph)
        .iter()
        .map(|files| describe_component(tree, &graph, files))
        .collect()
}

fn describe_component(tree: &Tree, graph: &Graph, files: &BTreeSet<usize>) -> String {
    let name = |&index: &usize| tree.path(&tree.files[index]);
    let mut names: Vec<_> = files.iter().map(name).collect();
    names.sort();
    let cycle = shortest_cycle(graph, files);
    let steps = cycle.iter().zip(cycle.iter().cycle().skip(1));
    let steps = steps.map(|(from, to)| {
        let Place { line, path } = &graph[from][to];
        format!("{}:{line}: {}", name(from), path.join("::"))
    });
    format!(
        "import cycle of {} files:\n  {}\none of its shortest cycles:\n  {}",
        files.len(),
        names.join("\n  "),
        steps.collect::<Vec<_>>().join("\n  ")
    )
}

fn graph(tree: &Tree) -> Graph<'_> {
    let mut graph = Graph::new();
    for (from, file) in tree.files.iter().enumerate() {
        let imports = graph.entry(from).or_default();
        for named in file.named.iter().filter(|named| !named.by_macro) {
            for &to in tree.files_of(&named.path) {
                if to != from {
                    let (line, path) = (named.line, &named.path);
                    imports.entry(to).or_insert(Place { line, path });
                }
            }
        }
    }
    graph
}

/// The strongly connected components of more than one file, largest first.
fn components(graph: &Graph) -> Vec<BTreeSet<usize>> {
    let reachable: BTreeMap<_, _> = graph
        .keys()
        .map(|&from| (from, reachable(graph, from)))
        .collect();
    let mut found: Vec<BTreeSet<usize>> = Vec::new();
    for (&file, imported) in &reachable {
        if !imported.contains(&file) || found.iter().any(|files| files.contains(&file)) {
            continue;
        }
        let back = |other: &&usize| reachable[*other].contains(&file);
        found.push(imported.iter().filter(back).copied().collect());
    }
    found.sort_by_key(|files| std::cmp::Reverse(files.len()));
    found
}

/// What `from` imports, directly or by way of others: itself if it is part of a cycle.
fn reachable(graph: &Graph, from: usize) -> BTreeSet<usize> {
    let mut found = BTreeSet::new();
    let mut unread = vec![from];
    while let Some(file) = unread.pop() {
        unread.extend(graph[&file].keys().filter(|&&to| found.insert(to)));
    }
    found
}

/// A cycle of as few files as possible among those of a component.
fn shortest_cycle(graph: &Graph, files: &BTreeSet<usize>) -> Vec<usize> {
    let cycles = files.iter().map(|&file| shortest_cycle_from(graph, file));
    cycles.min_by_key(Vec::len).expect("a component has files")
}

fn shortest_cycle_from(graph: &Graph, start: usize) -> Vec<usize> {
    let mut importer = BTreeMap::new();
    let mut unread = VecDeque::from([start]);
    while let Some(file) = unread.pop_front() {
        for &to in graph[&file].keys() {
            if let Entry::Vacant(unread_yet) = importer.entry(to) {
                unread_yet.insert(file);
                unread.push_back(to);
            }
        }
    }
    let mut cycle = vec![importer[&start]];
    while let Some(&last) = cycle.last().filter(|&&last| last != start) {
        cycle.push(importer[&last]);
    }
    cycle.reverse();
    cycle
}
