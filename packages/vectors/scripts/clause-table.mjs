// The table of docs/vectors.md: how many vectors show each clause.

const begin = '<!-- made by npm run vectors -->\n\n'
const end = '\n<!-- end of what npm run vectors makes -->'

/** A row for each clause: how many accepted and refused vectors show it, and in which files. */
export function clauseTable(kinds) {
  const rows = new Map()
  const count = (clause, result, id) => {
    const row = rows.get(clause) ?? { accept: new Set(), refuse: new Set(), files: new Set() }
    row[result].add(id)
    row.files.add(id.split(' ')[0])
    rows.set(clause, row)
  }
  for (const { kind, list } of kinds)
    for (const { id, of, clauses, expect } of list())
      for (const clause of clauses) {
        count(clause, expect.result, `${kind} ${id}`)
        // The accepted twin shows the rule as well.
        if (of !== undefined) count(clause, 'accept', `${kind} ${of}`)
      }
  const sorted = [...rows].sort(([a], [b]) => (a < b ? -1 : 1))
  const lines = sorted.map(([clause, { accept, refuse, files }]) => {
    return `| \`${clause}\` | ${accept.size} | ${refuse.size} | ${[...files].join(', ')} |\n`
  })
  const all = kinds.flatMap(({ list }) => list())
  const refused = all.filter(({ expect }) => expect.result === 'refuse').length
  const head = '| clause | accepted | refused | in |\n|---|---:|---:|---|\n'
  return `${all.length} vectors, ${all.length - refused} accepted and ${refused} refused, show ${rows.size} clauses.\n\n${head}${lines.join('')}`
}

/** The page with this table in its place. */
export function withClauseTable(page, table) {
  const from = page.indexOf(begin)
  const to = page.indexOf(end)
  if (from < 0 || to < from) throw new Error('docs/vectors.md has no place for the table')
  return page.slice(0, from) + begin + table + page.slice(to)
}
