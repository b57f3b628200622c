// Package skiplist measures a skip list.
package skiplist

import "math/rand"

type node struct {
	key  int
	next []*node
}

type list struct {
	head        *node
	finger      []*node // where the last search went down; a search for a greater key begins there
	comparisons int
}

func (l *list) before(n *node, key int) bool {
	l.comparisons++
	return n != nil && n.key < key
}

// search sets the finger to the last node before the key on each level.
func (l *list) search(key int, useFinger bool) {
	at, top := l.head, len(l.head.next)-1
	if useFinger && l.finger[0] != l.head && l.before(l.finger[0], key) {
		for top = 0; top+1 < len(l.finger) && l.before(l.finger[top].next[top], key); {
			top++
		}
		at = l.finger[top]
	}
	for level := top; level >= 0; level-- {
		for l.before(at.next[level], key) {
			at = at.next[level]
		}
		l.finger[level] = at
	}
}

// Measure returns the comparisons for each of 6,000 insertions and 12,000 searches, a part of which come one
// after the other, and the pointers for each key.
func Measure(promote float64, levels int, finger bool) (comparisons, pointers float64) {
	random := rand.New(rand.NewSource(1))
	l := list{head: &node{key: -1, next: make([]*node, levels)}, finger: make([]*node, levels)}
	for level := range l.finger {
		l.finger[level] = l.head
	}
	const keys = 6000
	total := 0
	for k := 0; k < keys; k++ {
		key, height := k*7919%keys, 1
		for height < levels && random.Float64() < promote {
			height++
		}
		l.search(key, false)
		added := &node{key: key, next: make([]*node, height)}
		for level := range added.next {
			added.next[level], l.finger[level].next[level] = l.finger[level].next[level], added
		}
		total += height
	}
	for k, key := 0, 0; k < 2*keys; k++ {
		if key++; k%4 == 0 {
			key = random.Intn(keys)
		}
		l.search(key, finger)
	}
	return float64(l.comparisons) / (3 * keys), float64(total) / keys
}
