/** Longer names are not compared: comparing costs the product of both lengths. */
const longest = 64

/**
 * The name that was probably meant: at most a third of its letters are missing, added, wrong or swapped.
 * @returns undefined when none is that near
 */
export function nearestName(name: string, names: readonly string[]): string | undefined {
  if (name.length > longest) return undefined
  let nearest: string | undefined
  let least = Math.ceil(name.length / 3)
  for (const known of names) {
    const distance = known.length > longest ? Number.POSITIVE_INFINITY : editDistance(fold(name), fold(known))
    if (distance > least || (distance === least && nearest !== undefined)) continue
    nearest = known
    least = distance
  }
  return nearest
}

/** `auth-server` and `auth_server` count as `authServer`. */
function fold(name: string): string {
  return name.toLowerCase().replace(/[-_]/g, '')
}

/** Optimal string alignment (Damerau-Levenshtein): how many letters are missing, added, wrong or swapped with the next. */
function editDistance(a: string, b: string): number {
  let before: number[] = []
  let above = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row++) {
    // bound: one call
    const line = [row]
    for (let column = 1; column <= b.length; column++) {
      const wrong = a[row - 1] === b[column - 1] ? 0 : 1
      const isSwapped = column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]
      line.push(
        Math.min(
          at(line, column - 1) + 1,
          at(above, column) + 1,
          at(above, column - 1) + wrong,
          isSwapped ? at(before, column - 2) + 1 : Number.POSITIVE_INFINITY,
        ),
      )
    }
    before = above
    above = line
  }
  return at(above, b.length)
}

function at(line: readonly number[], column: number): number {
  return line[column] ?? Number.POSITIVE_INFINITY
}
