import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { packages } from '../scripts/packages.mjs'
import { root } from './processes.fixture.js'

// Which names are public. What only other packages of this project need is `./internal`, or `./internal/NAME` where it would
// bring Node, an optional dependency or much code along.

/** What an internal entry begins with. */
const header =
  '// For the other packages of this project, not for users: these names may change in any release (no semver).\n'

/** One entry point of a package. */
interface Entry {
  readonly room: string
  /** As in the manifest, such as `./node`. */
  readonly subpath: string
  readonly paths: Readonly<Record<string, string>>
  readonly text: string
}

const entries: readonly Entry[] = packages().flatMap(({ room, folder, manifest }) =>
  Object.entries(manifest.exports ?? {}).map(([subpath, paths]) => ({
    room,
    subpath,
    paths,
    text: readFileSync(join(folder, paths['@countersign/source'] ?? ''), 'utf8'),
  })),
)

const isInternal = ({ subpath }: Entry): boolean => subpath.startsWith('./internal')

/** The names that an entry exports, types included: those of other files, and its own. */
function namesOf({ text }: Entry): string[] {
  const lists = [...text.matchAll(/^export (?:type )?\{([^}]*)\}/gm)].flatMap(([, list = '']) => list.split(','))
  const named = lists.map(name => /(\w+)\s*$/.exec(name)?.[1] ?? '').filter(name => name !== '')
  const own = text.matchAll(/^export (?:async )?(?:function|const|class|interface|type) (\w+)/gm)
  return [...new Set([...named, ...[...own].map(([, name = '']) => name)])]
}

/** The names in the section *Exports* of a README, by entry point: first cells of tables, and lines that begin with `Types`. */
function taughtIn(readme: string): Map<string, string[]> {
  const section = readme.split('\n## Exports\n')[1]?.split('\n## ')[0] ?? ''
  const taught = new Map<string, string[]>()
  let entry = ''
  for (const line of section.split('\n')) {
    entry = /^### `(@countersign\/[^`]+)`$/.exec(line)?.[1] ?? entry
    const names = line.startsWith('| ') ? (line.split('|')[1] ?? '') : line.startsWith('Types') ? line : ''
    const found = [...names.matchAll(/`(\w+)`/g)].map(([, name = '']) => name)
    taught.set(entry, [...(taught.get(entry) ?? []), ...found])
  }
  return taught
}

test('the README of a package names each of its exports, and nothing else', () => {
  for (const { room, folder, manifest } of packages().filter(one => one.room.startsWith('packages/'))) {
    const taught = taughtIn(readFileSync(join(folder, 'README.md'), 'utf8'))
    const open = entries.filter(entry => entry.room === room && !isInternal(entry))
    const expected = new Map(
      // One entry point needs no heading.
      open.map(entry => [open.length === 1 ? '' : manifest.name + entry.subpath.slice(1), new Set(namesOf(entry))]),
    )
    const found = new Map(
      [...taught].filter(([, names]) => names.length > 0).map(([at, names]) => [at, new Set(names)]),
    )
    expect(found, room).toEqual(expected)
  }
})

/** Public names, here without the SDK that their own entry point needs: another package shows them in turn. */
const isShownElsewhere = (subpath: string): boolean => /^\.\/internal\/(?:client|rules)$/.test(subpath)

test('internal names are exported by ./internal alone, by one convention in all packages', () => {
  const internal = entries.filter(isInternal)
  expect(internal.length).toBeGreaterThan(0)
  for (const entry of internal) {
    const { room, subpath, paths, text } = entry
    const file = subpath.slice(2).replaceAll('/', '-')
    expect(paths, `${room} ${subpath}`).toEqual({
      '@countersign/source': `./src/${file}.ts`,
      types: `./dist/${file}.d.ts`,
      default: `./dist/${file}.js`,
    })
    expect(subpath).toMatch(/^\.\/internal(?:\/(?:agent|client|node|otel|provider|rules|words))?$/)
    expect(text.startsWith(header), `${room} ${subpath}`).toBe(true)
    const isOther = (other: Entry): boolean =>
      other !== entry && (isShownElsewhere(subpath) ? isInternal(other) : !isShownElsewhere(other.subpath))
    const others = entries.filter(other => other.room === room && isOther(other)).flatMap(namesOf)
    expect(
      namesOf(entry).filter(name => others.includes(name)),
      `${room} ${subpath}`,
    ).toEqual([])
  }
})

test('no public entry point exports an internal name of a package', () => {
  for (const { room, subpath, text } of entries.filter(entry => !isInternal(entry))) {
    const taken = text.matchAll(/^export (?:type )?\{[^}]*\} from '(?:@countersign\/[a-z-]+|(\.))(\/internal\S*)'/gm)
    const wrong = [...taken].filter(([, own, path]) => own !== undefined || !isShownElsewhere(`.${path}`))
    expect(wrong, `${room} ${subpath}`).toEqual([])
  }
})

test('no sample or page for users imports internal names', () => {
  const files = execFileSync('git', ['ls-files', '-z'], { cwd: root, encoding: 'utf8' }).split('\0').filter(Boolean)
  const importing = files
    .filter(file => /\.(?:[cm]?[jt]sx?|md)$/.test(file))
    .filter(file => /['"]@countersign\/[a-z-]+\/internal/.test(readFileSync(join(root, file), 'utf8')))
  expect(importing.length).toBeGreaterThan(0)
  // The bench measures parts by themselves.
  expect(importing.filter(file => !/^(?:packages|apps|testing|tests|bench)\/.*\.tsx?$/.test(file))).toEqual([])
})

test('comments name the protocol page in one spelling, which the reference turns into a link', () => {
  const files = execFileSync('git', ['ls-files', '-z', '*.ts', '*.tsx'], { cwd: root, encoding: 'utf8' }).split('\0')
  const other = /protocol\.md §|@see (?=§)/
  expect(files.filter(file => file !== '' && other.test(readFileSync(join(root, file), 'utf8')))).toEqual([])
})
