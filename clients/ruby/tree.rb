# frozen_string_literal: true

# A tree of pages on a disk with a cache of 512 blocks of 4 keys: the blocks that 4,000 searches read.
module Tree
  KEYS = 20_000
  BLOCK = 4
  MEMORY = 512

  # page: keys of a page, of which `fill` are used; cached: percent of the memory that holds the top of the
  # tree for good; the rest of it takes other pages, and forgets them as `evict` says.
  def self.reads(page, fill, cached, evict)
    used = [(page * fill).floor, 2].max
    blocks = (page / BLOCK.to_f).ceil
    pinned = pinned_levels(used, blocks, MEMORY * cached / 100)
    room = (MEMORY - MEMORY * cached / 100) / blocks
    cache = {}
    state = 1
    Array.new(4000) do
      state = (state * 1_103_515_245 + 12_345) % 2**31
      key = (KEYS * (state / 2.0**31)**3).floor
      path(key, used).drop(pinned).count { |place| !hit(cache, place, room, evict) } * (blocks + 2)
    end.sum
  end

  # The pages from the root to the leaf of a key, each a level and a number.
  def self.path(key, used)
    levels = (Math.log(KEYS) / Math.log(used)).ceil
    Array.new(levels) { |level| [level, key / used**(levels - level)] }
  end

  def self.pinned_levels(used, blocks, memory)
    level = 0
    size = blocks
    while size <= memory
      memory -= size
      size *= used
      level += 1
    end
    level
  end

  def self.hit(cache, place, room, evict)
    if cache.key?(place)
      cache[place] = cache.delete(place) if evict == "lru"
      return true
    end
    cache[place] = true if evict != "none" || cache.size < room
    cache.shift if cache.size > room
    false
  end
end
