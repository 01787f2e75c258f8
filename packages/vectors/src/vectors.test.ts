import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readPlaces, requirements, sentencesWith } from '@countersign/requirements'
import { folderOfTest } from '@countersign/testing/folders'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { describe, expect, test } from 'vitest'
import { readVectors, readWorld, type Vector, vectorKinds } from './index.js'

const own = fileURLToPath(new URL('..', import.meta.url))
const parts = ['json', 'schema'].flatMap(part => readdirSync(join(own, part)).map(file => `${part}/${file}`))

function read(folder: string, file: string): unknown {
  return JSON.parse(readFileSync(join(folder, file), 'utf8'))
}

test('the files made anew are those that are committed', () => {
  const folder = folderOfTest()
  execFileSync(process.execPath, [join(own, 'scripts/make.mjs'), folder])
  // After a change: npm run vectors
  expect(['json', 'schema'].flatMap(part => readdirSync(join(folder, part)).map(file => `${part}/${file}`))).toEqual(
    parts,
  )
  for (const file of parts) expect(read(folder, file), file).toEqual(read(own, file))
  const page = readFileSync(join(own, '../../docs/vectors.md'), 'utf8')
  expect(page).toContain(readFileSync(join(folder, 'clauses.md'), 'utf8'))
})

test('each kind has a file, and each file follows its schema', () => {
  const files = readdirSync(join(own, 'json')).filter(file => file !== 'world.json')
  expect(files).toEqual(vectorKinds.map(kind => `${kind}.json`))
  for (const file of [...files, 'world.json']) {
    const content = read(join(own, 'json'), file) as { $schema: string }
    const ajv = new Ajv2020({ strict: true, strictTypes: false, strictTuples: false })
    const validate = ajv.compile(read(join(own, 'json'), content.$schema) as object)
    validate(content)
    expect(validate.errors?.slice(0, 3), file).toBeUndefined()
  }
})

test('the keys are marked as test keys', () => {
  expect(readWorld().warning).toMatch(/never use one for anything else/)
})

interface Maker {
  readonly kinds: () => ReadonlyArray<{ readonly kind: string; remade(made: unknown): unknown }>
}

const known = new Set(requirements.map(({ id }) => id))
const places = readPlaces(readFileSync(join(own, '../../docs/protocol.md'), 'utf8'))

/** The clauses of a vector whose sentence is not clear, or whose words are not on the page at that clause. */
function unclear({ clauses, words = {} }: Vector): readonly string[] {
  const stray = Object.keys(words).filter(clause => !clauses.includes(clause))
  const wrong = clauses.filter(clause => {
    const place = places.get(clause)
    const text = words[clause]
    if (place === undefined) return true
    return text === undefined ? place.sentences.length > 1 : sentencesWith(place, text).length === 0
  })
  return [...stray, ...wrong]
}

test('words that do not stand on the page at their clause are noticed', () => {
  const [vector] = readVectors('content-digests')
  if (vector === undefined) throw new Error('no vector')
  expect(unclear(vector)).toEqual([])
  expect(unclear({ ...vector, words: { ...vector.words, 'sig.digest.match': 'must match twice' } })).toEqual([
    'sig.digest.match',
  ])
  expect(unclear({ ...vector, words: {} })).toEqual(['sig.digest.algorithms', 'sig.digest.match'])
  expect(unclear({ ...vector, words: { ...vector.words, 'sig.expires': 'must be honoured' } })).toEqual(['sig.expires'])
})

describe.each(vectorKinds)('%s', kind => {
  const vectors: readonly Vector[] = readVectors(kind)
  const byId = new Map(vectors.map(vector => [vector.id, vector]))

  test('each vector has its own id, and names clauses of the protocol page', () => {
    expect(byId.size).toBe(vectors.length)
    for (const { id, clauses } of vectors)
      expect(
        clauses.filter(clause => !known.has(clause)),
        id,
      ).toEqual([])
  })

  test('each vector stands on a sentence of the protocol page', () => {
    const found = vectors.map(vector => `${vector.id}: ${unclear(vector).join(' ')}`)
    expect(found.filter(line => !line.endsWith(': '))).toEqual([])
  })

  test('each refused vector is an accepted one with one change', async () => {
    const { kinds } = (await import(new URL('../scripts/kinds.mjs', import.meta.url).href)) as Maker
    const maker = kinds().find(one => one.kind === kind)
    for (const vector of vectors.filter(({ expect: { result } }) => result === 'refuse')) {
      const twin = byId.get(vector.of ?? '')
      expect(twin?.expect.result, vector.id).toBe('accept')
      const { at, receiver, input, made } = patched(vector, twin)
      const isMade = vector.patch?.path.startsWith('/made/') ?? false
      expect({ at, receiver, input: isMade ? maker?.remade(made) : input }, vector.id).toEqual({
        at: vector.at,
        receiver: vector.receiver,
        input: vector.input,
      })
      expect(vector.input === twin?.input && vector.at === twin?.at, vector.id).toBe(false)
    }
  })
})

/** The accepted twin with the change of a refused vector: JSON Patch (RFC 6902), by a reading of its own. */
function patched({ patch, id }: Vector, twin: Vector | undefined): Vector {
  const copy = structuredClone(twin) as Vector
  if (patch === undefined) throw new Error(`${id} has no patch`)
  const keys = patch.path.split('/').slice(1)
  let place = copy as unknown as Record<string, unknown>
  for (const key of keys.slice(0, -1)) place = place[unescaped(key)] as Record<string, unknown>
  const last = unescaped(keys.at(-1) ?? '')
  if (Array.isArray(place)) {
    const at = last === '-' ? place.length : Number(last)
    place.splice(at, patch.op === 'add' ? 0 : 1, ...(patch.op === 'remove' ? [] : [patch.value]))
  } else if (patch.op === 'remove') delete place[last]
  else place[last] = patch.value
  return copy
}

function unescaped(key: string): string {
  return key.replaceAll('~1', '/').replaceAll('~0', '~')
}
