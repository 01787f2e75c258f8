import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { root } from './processes.fixture.js'

// CONTRIBUTING.md lists the files of four requests from the entry point inward, so that a new reader can follow one. Each file is
// imported by one before it, or a package exports it.

/** The most files of each walk. */
const most: Readonly<Record<string, number>> = {
  'One authorized GET': 28,
  'One token request': 14,
  'One consent': 14,
  'One call of an agent': 20,
}

const text = (file: string): string => readFileSync(join(root, file), 'utf8')

/** Without comments, whose samples import as well. */
const code = (file: string): string => text(file).replace(/\/\*[\s\S]*?\*\//g, '')

function walksIn(page: string): Map<string, readonly string[]> {
  const sections = page.split(/^### /m).slice(1)
  return new Map(
    sections.map(section => [
      section.split('\n', 1)[0] ?? '',
      [...section.matchAll(/^\d+\. `([^`]+)`/gm)].map(([, file]) => `packages/${file}`),
    ]),
  )
}

/** Every source file that stands under a member of `exports` or `imports`, whatever the condition. */
function sourcesUnder(member: unknown): string[] {
  if (typeof member !== 'object' || member === null) return []
  return Object.entries(member).flatMap(([condition, value]) =>
    condition === '@countersign/source' && typeof value === 'string' ? [value] : sourcesUnder(value),
  )
}

function manifestOf(name: string): {
  readonly exports: Record<string, unknown>
  readonly imports?: Record<string, unknown>
} {
  return JSON.parse(text(`packages/${name}/package.json`))
}

/** The files behind one import: a file of the same package, or what another package exports there. */
function filesBehind(specifier: string, from: string): string[] {
  const [, name = ''] = from.split('/')
  if (specifier.startsWith('.'))
    return ['.ts', '.tsx']
      .map(ending => join(dirname(from), specifier.replace(/\.js$/, ending)))
      .filter(file => existsSync(join(root, file)))
  if (specifier.startsWith('#'))
    return sourcesUnder(manifestOf(name).imports?.[specifier]).map(file => join('packages', name, file))
  const [scope, other = '', ...subpath] = specifier.split('/')
  return scope === '@countersign' ? exportedBy(other, ['.', ...subpath].join('/')) : []
}

function exportedBy(name: string, subpath: string): string[] {
  const entries = sourcesUnder(manifestOf(name).exports[subpath]).map(file => join('packages', name, file))
  return entries.flatMap(entry => [entry, ...importedBy(entry)])
}

function importedBy(file: string): string[] {
  return [...code(file).matchAll(/from '([^']+)'/g)].flatMap(([, specifier = '']) => filesBehind(specifier, file))
}

const walks = walksIn(text('CONTRIBUTING.md'))

test('CONTRIBUTING.md has a walk for each of four requests', () => {
  expect([...walks.keys()]).toEqual(Object.keys(most))
})

test.each(Object.entries(most))('the walk "%s" has at most %d files, each imported by one before it', (name, limit) => {
  const files = walks.get(name) ?? []
  expect(files.length).toBeGreaterThan(5)
  expect(files.length).toBeLessThanOrEqual(limit)
  expect(files.filter(file => !existsSync(join(root, file)))).toEqual([])
  const reachable = new Set<string>()
  const lost = files.filter((file, at) => {
    const [, room = ''] = file.split('/')
    const isEntry = at === 0 || Object.keys(manifestOf(room).exports).some(path => exportedBy(room, path)[0] === file)
    const isReached = isEntry || reachable.has(file)
    for (const imported of importedBy(file)) reachable.add(imported)
    return !isReached
  })
  expect(lost).toEqual([])
})
