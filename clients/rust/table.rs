//! A hash table with open addressing that grows: what 20,000 insertions and as many searches cost.

struct Table {
    slots: Vec<Option<u64>>,
    used: usize,
    probes: u64,
    probing: String,
}

fn hash(key: u64) -> u64 {
    let mixed = (key ^ (key >> 31)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed ^ (mixed >> 29)
}

impl Table {
    fn place(&self, key: u64, step: u64) -> usize {
        let stride = if self.probing == "quadratic" { step * (step + 1) / 2 } else { step };
        ((hash(key) + stride) % self.slots.len() as u64) as usize
    }

    /// How far a key that lies at `place` is from where it belongs.
    fn distance(&self, key: u64, place: usize) -> u64 {
        let size = self.slots.len() as u64;
        (place as u64 + size - hash(key) % size) % size
    }

    fn insert(&mut self, mut key: u64) {
        let mut step = 0;
        while let Some(other) = self.slots[self.place(key, step)] {
            self.probes += 1;
            let place = self.place(key, step);
            if self.probing == "robin hood" && self.distance(other, place) < step {
                self.slots[place] = Some(key);
                step = self.distance(other, place);
                key = other;
            }
            step += 1;
        }
        self.probes += 1;
        let place = self.place(key, step);
        self.slots[place] = Some(key);
        self.used += 1;
    }

    /// Quadratic probing visits every slot only if their number is a power of two.
    fn grow(&mut self, growth: f64) {
        let wanted = (self.slots.len() as f64 * growth).ceil() as usize;
        let size = if self.probing == "quadratic" { wanted.next_power_of_two() } else { wanted };
        let keys = std::mem::replace(&mut self.slots, vec![None; size]);
        self.used = 0;
        keys.into_iter().flatten().for_each(|key| self.insert(key));
    }

    fn find(&mut self, key: u64) -> bool {
        for step in 0.. {
            self.probes += 1;
            match self.slots[self.place(key, step)] {
                Some(other) if other == key => return true,
                None => return false,
                _ => {}
            }
        }
        false
    }
}

/// Returns probes for each key, and the size of the table in the end, in kilobytes.
pub fn measure(load: f64, growth: f64, probing: &str) -> Vec<f64> {
    const KEYS: u64 = 20_000;
    let mut table = Table { slots: vec![None; 16], used: 0, probes: 0, probing: probing.to_string() };
    for key in 0..KEYS {
        if (table.used + 1) as f64 > load * table.slots.len() as f64 {
            table.grow(growth);
        }
        table.insert(key * key + 1);
    }
    let found = (0..KEYS).filter(|key| table.find(key * key + 1)).count();
    assert_eq!(found as u64, KEYS);
    vec![table.probes as f64 / KEYS as f64, table.slots.len() as f64 * 8.0 / 1000.0]
}
