# What scripts/bench.sh measured, as a table on standard output, and as results.json and results.svg in `folder`.
#
# Reads two files. Rows: name, section, unit, more|less, target, title, and for a point on an axis the axis' name and the
# place. Values: name, ours|theirs, value; the values of a side stand in the order of the rounds. A target is what the
# ratio of ours to theirs has to reach (or stay below, if less is better); `=5` is a limit for our figure itself.

BEGIN { FS = "\t" }

FNR == 1 { file++ }

file == 1 {
  names[++rows] = $1
  section[$1] = $2
  unit[$1] = $3
  better[$1] = $4
  target[$1] = $5
  title[$1] = $6
  if ($7 != "") {
    if (!($7 in points)) axes[++axis_count] = $7
    point[$7, ++points[$7]] = $1
    place[$1] = $8
    axis[$1] = $7
  }
  next
}

$3 != "" { value[$1, $2, ++count[$1, $2]] = $3 }

END {
  for (row = 1; row <= rows; row++) summarize(names[row])
  print_table()
  print_json(folder "/results.json")
  print_svg(folder "/results.svg")
}

# The middle, smallest and largest of `sorted[1..n]`, into globals.
function spread(sorted, n,    i, j, held) {
  for (i = 2; i <= n; i++) {
    held = sorted[i]
    for (j = i - 1; j >= 1 && sorted[j] + 0 > held + 0; j--) sorted[j + 1] = sorted[j]
    sorted[j + 1] = held
  }
  low = sorted[1]
  high = sorted[n]
  middle = n % 2 ? sorted[(n + 1) / 2] : (sorted[n / 2] + sorted[n / 2 + 1]) / 2
}

function summarize(name,    n, i, list) {
  n = count[name, "ours"]
  if (!n) { met[name] = "no"; return }
  for (i = 1; i <= n; i++) list[i] = value[name, "ours", i]
  spread(list, n)
  ours[name] = middle; ours_low[name] = low; ours_high[name] = high
  n = count[name, "theirs"]
  if (n) {
    for (i = 1; i <= n; i++) list[i] = value[name, "theirs", i]
    spread(list, n)
    theirs[name] = middle; theirs_low[name] = low; theirs_high[name] = high
    # Ratios of what was measured one right behind the other.
    if (count[name, "ours"] < n) n = count[name, "ours"]
    for (i = 1; i <= n; i++) list[i] = value[name, "theirs", i] > 0 ? value[name, "ours", i] / value[name, "theirs", i] : 0
    spread(list, n)
    ratio[name] = middle; ratio_low[name] = low; ratio_high[name] = high
  }
  met[name] = judge(name)
}

function judge(name,    goal) {
  goal = target[name]
  if (goal == "") return ""
  if (goal ~ /^=/) return ours[name] <= substr(goal, 2) + 0 ? "yes" : "no"
  if (!(name in ratio)) return ""
  if (better[name] == "less") return ratio[name] <= goal + 0 ? "yes" : "no"
  return ratio[name] >= goal + 0 ? "yes" : "no"
}

function shown(number) {
  if (number >= 1000000) return sprintf("%.2f M", number / 1000000)
  if (number >= 10000) return sprintf("%.0f k", number / 1000)
  if (number >= 100) return sprintf("%.0f", number)
  return sprintf("%.2f", number)
}

function goal_text(name,    goal) {
  goal = target[name]
  if (goal == "") return ""
  if (goal ~ /^=/) return "<= " substr(goal, 2) " " unit[name]
  return (better[name] == "less" ? "<= " : ">= ") goal " x"
}

function print_table(    row, name, last, line) {
  printf "%s\n%s, %d rounds; medians, ratios with their range\n", machine, versions, rounds_measured
  for (row = 1; row <= rows; row++) {
    name = names[row]
    if (!(name in ours)) continue
    if (section[name] != last) {
      last = section[name]
      printf "\n%-86s %9s %9s %-12s %20s %11s %s\n", toupper(last), "ours", "theirs", "", "ratio", "target", "met"
    }
    line = (name in ratio) ? sprintf("%.2f (%.2f-%.2f)", ratio[name], ratio_low[name], ratio_high[name]) : ""
    printf "%-86s %9s %9s %-12s %20s %11s %s\n", title[name], shown(ours[name]), \
      (name in theirs) ? shown(theirs[name]) : "", unit[name], line, goal_text(name), met[name]
  }
}

function quoted(text) {
  gsub(/\\/, "\\\\", text)
  gsub(/"/, "\\\"", text)
  return "\"" text "\""
}

function figures(label, middle, low, high) {
  return sprintf("%s:{\"median\":%s,\"min\":%s,\"max\":%s}", quoted(label), middle + 0, low + 0, high + 0)
}

function print_json(path,    row, name, line, separator) {
  printf "{\"machine\":%s,\"versions\":%s,\"rows\":[", quoted(machine), quoted(versions) >path
  for (row = 1; row <= rows; row++) {
    name = names[row]
    if (!(name in ours)) continue
    line = "{\"name\":" quoted(name) ",\"section\":" quoted(section[name]) ",\"title\":" quoted(title[name])
    if (name in axis) line = line ",\"axis\":" quoted(axis[name]) ",\"at\":" place[name]
    line = line ",\"unit\":" quoted(unit[name]) ",\"better\":" quoted(better[name]) "," figures("ours", ours[name], ours_low[name], ours_high[name])
    if (name in theirs) {
      line = line "," figures("theirs", theirs[name], theirs_low[name], theirs_high[name])
      line = line "," figures("ratio", ratio[name], ratio_low[name], ratio_high[name])
    }
    if (target[name] != "") line = line ",\"target\":" quoted(goal_text(name)) ",\"met\":" (met[name] == "yes" ? "true" : "false")
    printf "%s\n%s}", separator, line >path
    separator = ","
  }
  printf "\n]}\n" >path
  close(path)
}

function escaped(text) {
  gsub(/&/, "\\&amp;", text)
  gsub(/</, "\\&lt;", text)
  gsub(/>/, "\\&gt;", text)
  return text
}

# Where a ratio lies on the logarithmic axis from 1/8 to 64.
function across(number) {
  if (number < 0.125) number = 0.125
  if (number > 64) number = 64
  return 560 + 400 * (log(number) - log(0.125)) / (log(64) - log(0.125))
}

# A line for each ratio: its range, its median, and its target. Green is better for us, whichever way that is. Below, how
# each figure grows along its axis.
function print_svg(path,    row, ratios_height, height, lines) {
  for (row = 1; row <= rows; row++) if (names[row] in ratio && !(names[row] in axis)) lines++
  ratios_height = lines ? 60 + 22 * lines : 0
  height = ratios_height + panels_height()
  printf "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 1040 %d\" font-family=\"sans-serif\" font-size=\"12\">\n", height >path
  print "<style>rect{fill:#fff}text{fill:#222}.axis{stroke:#bbb}.goal{stroke:#222;stroke-width:2}" \
    ".ours{stroke:#2a8c4a;fill:none}.theirs{stroke:#8a6d9e;fill:none;stroke-dasharray:5 3}" \
    "circle.theirs{stroke-dasharray:none}text.ours{stroke:none;fill:#2a8c4a}text.theirs{stroke:none;fill:#8a6d9e}" \
    "@media(prefers-color-scheme:dark){rect{fill:#1b1b1b}text{fill:#ddd}.axis{stroke:#555}.goal{stroke:#ddd}" \
    "text.ours,.ours{stroke:#5dbb7b}text.theirs,.theirs{stroke:#b79fca}text.ours{stroke:none;fill:#5dbb7b}" \
    "text.theirs{stroke:none;fill:#b79fca}}</style><rect width=\"100%\" height=\"100%\"/>" >path
  if (lines) print_ratios(path, ratios_height)
  print_panels(path, ratios_height)
  print "</svg>" >path
  close(path)
}

function print_ratios(path, height,    row, name, y, tick, colour, goal) {
  print "<text x=\"10\" y=\"20\" font-size=\"14\">Ours to theirs: median and range of the rounds; a black mark is the target</text>" >path
  for (tick = 0.125; tick <= 64; tick *= 2) {
    printf "<line class=\"axis\" x1=\"%.1f\" x2=\"%.1f\" y1=\"46\" y2=\"%d\"%s/>", across(tick), across(tick), height - 8, \
      tick == 1 ? " stroke-width=\"2\"" : "" >path
    printf "<text x=\"%.1f\" y=\"40\" text-anchor=\"middle\">%s</text>\n", across(tick), tick < 1 ? "1/" 1 / tick : tick >path
  }
  y = 60
  for (row = 1; row <= rows; row++) {
    name = names[row]
    if (!(name in ratio) || name in axis) continue
    colour = (better[name] == "less") == (ratio[name] <= 1) ? "#2a8c4a" : "#c2571a"
    printf "<text x=\"550\" y=\"%d\" text-anchor=\"end\">%s</text>", y + 4, escaped(title[name]) >path
    printf "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" y2=\"%d\" stroke=\"%s\" stroke-width=\"3\"/>", \
      across(ratio_low[name]), across(ratio_high[name]) + 1, y, y, colour >path
    printf "<circle cx=\"%.1f\" cy=\"%d\" r=\"5\" fill=\"%s\"/>", across(ratio[name]), y, colour >path
    goal = target[name]
    if (goal != "" && goal !~ /^=/) {
      printf "<line class=\"goal\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" y2=\"%d\"/>", across(goal), across(goal), y - 8, y + 8 >path
    }
    printf "<text x=\"970\" y=\"%d\">%.2f</text>\n", y + 4, ratio[name] >path
    y += 22
  }
}

# --- how it grows -----------------------------------------------------------------------------------

function panels_height() { return axis_count ? 40 + 220 * int((axis_count + 2) / 3) : 0 }

function print_panels(path, top,    number) {
  if (!axis_count) return
  printf "<text x=\"10\" y=\"%d\" font-size=\"14\">How it grows: ours, and Redis dashed; medians, the vertical scale is " \
    "logarithmic</text>\n", top + 24 >path
  for (number = 1; number <= axis_count; number++) {
    print_panel(path, axes[number], 20 + 340 * ((number - 1) % 3), top + 40 + 220 * int((number - 1) / 3))
  }
}

# One axis, in a field of 320 by 200, its places at equal distances.
function print_panel(path, name, left, top,    i, row, x, above, our_line, their_line) {
  floor = ceiling = 0
  for (i = 1; i <= points[name]; i++) {
    row = point[name, i]
    if (row in ours) make_room(ours[row])
    if (row in theirs) make_room(theirs[row])
  }
  if (!floor) return
  # What hardly changes is to look as if.
  while (ceiling < 8 * floor) { ceiling *= 1.1; floor /= 1.1 }
  printf "<text x=\"%d\" y=\"%d\" font-weight=\"bold\">%s (%s)</text>", left, top + 14, escaped(name), unit[point[name, 1]] >path
  printf "<line class=\"axis\" x1=\"%d\" x2=\"%d\" y1=\"%d\" y2=\"%d\"/>\n", left, left + 310, top + 178, top + 178 >path
  for (i = 1; i <= points[name]; i++) {
    row = point[name, i]
    if (!(row in ours)) continue
    x = left + 30 + 250 * (i - 1) / (points[name] > 1 ? points[name] - 1 : 1)
    printf "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%s</text>", x, top + 194, rounded(place[row]) >path
    our_line = our_line sprintf(" %.1f,%.1f", x, up(ours[row], top))
    above = !(row in theirs) || ours[row] >= theirs[row]
    print_point(path, "ours", x, up(ours[row], top), ours[row], above)
    if (row in theirs) {
      their_line = their_line sprintf(" %.1f,%.1f", x, up(theirs[row], top))
      print_point(path, "theirs", x, up(theirs[row], top), theirs[row], !above)
    }
  }
  printf "<polyline class=\"ours\" points=\"%s\"/>", substr(our_line, 2) >path
  if (their_line != "") printf "<polyline class=\"theirs\" points=\"%s\"/>", substr(their_line, 2) >path
  print "" >path
}

function print_point(path, side, x, y, number, above) {
  printf "<circle class=\"%s\" cx=\"%.1f\" cy=\"%.1f\" r=\"3\"/><text class=\"%s\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\" " \
    "font-size=\"10\">%s</text>\n", side, x, y, side, x, above ? y - 7 : y + 15, shown(number) >path
}

# Lets the panel reach from `floor` to `ceiling`, and this number lie in between.
function make_room(number) {
  if (!floor || number < floor) floor = number
  if (number > ceiling) ceiling = number
}

function up(number, top) { return top + 156 - 120 * (log(number) - log(floor)) / (log(ceiling) - log(floor)) }

# A place on an axis: all are round numbers, of tens or of twos.
function rounded(number) {
  if (number >= 1048576 && number % 1048576 == 0) return number / 1048576 " Mi"
  if (number >= 1000000) return number / 1000000 " M"
  if (number >= 1024 && number % 1024 == 0) return number / 1024 " Ki"
  if (number >= 1000) return number / 1000 " k"
  return number
}
