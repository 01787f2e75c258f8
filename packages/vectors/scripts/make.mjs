// Writes packages/vectors/json and schema: every vector from fixed keys and a fixed clock. `node make.mjs FOLDER` writes elsewhere.
// Without FOLDER it also writes the table of docs/vectors.md. What a vector expects is written by hand, after docs/protocol.md. No code of the product makes or judges a vector here.
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { clauseTable, withClauseTable } from './clause-table.mjs'
import { keepSignatures } from './keys.mjs'
import { kinds } from './kinds.mjs'
import { schemas, vectorsSchema, worldSchema } from './schemas.mjs'
import { checkWords, withWords } from './words.mjs'
import { world } from './world.mjs'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const [folder = fileURLToPath(new URL('..', import.meta.url))] = process.argv.slice(2)
const files = { 'json/world': world(), 'schema/world.schema': worldSchema }
const all = kinds()
checkWords(all)
for (const one of all) {
  const { kind } = one
  files[`json/${kind}`] = { $schema: `../schema/${kind}.schema.json`, kind, vectors: withWords(one) }
  files[`schema/${kind}.schema`] = vectorsSchema(kind, schemas[kind])
}
for (const part of ['json', 'schema']) mkdirSync(join(folder, part), { recursive: true })
const written = Object.keys(files).map(name => join(folder, `${name}.json`))
for (const [name, content] of Object.entries(files))
  writeFileSync(join(folder, `${name}.json`), `${visibleJson(content)}\n`)
keepSignatures()
const page = join(root, 'docs/vectors.md')
if (process.argv.length === 2) writeFileSync(page, withClauseTable(readFileSync(page, 'utf8'), clauseTable(all)))
else writeFileSync(join(folder, 'clauses.md'), clauseTable(all))
const biome = join(root, 'node_modules/@biomejs/biome/bin/biome')
const { status, stderr } = spawnSync(process.execPath, [biome, 'format', '--write', ...written], {
  ...{ cwd: root, encoding: 'utf8' },
})
if (status !== 0) process.stderr.write(stderr)

/** JSON in which characters that control, hide or turn text are escapes. */
function visibleJson(content) {
  return JSON.stringify(content, null, 2).replace(
    /[^\P{Cc}\n]|[\p{Zl}\p{Zp}\u00ad\u061c\u200b\u200e\u200f\u2060\ufeff\u202a-\u202e\u2066-\u2069]/gu,
    sign => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
