# frozen_string_literal: true

# hmserve run tree.json -- ruby worker.rb
require_relative "tree"

$stdout.sync = false
while (line = $stdin.gets) && (count = line[/\ARequest (\d+)/, 1])
  puts "#{$stdin.gets.chomp},Reads" # page,fill,cached,evict
  count.to_i.times do
    row = $stdin.gets.chomp
    page, fill, cached, evict = row.split(",")
    puts "#{row},#{Tree.reads(page.to_i, fill.to_f, cached.to_i, evict)}"
  end
  $stdout.flush
end
