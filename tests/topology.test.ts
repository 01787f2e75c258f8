import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { root } from './processes.fixture.js'

// The house: who may lean on whom, and what runs outside Node.

/** Bottom up; a room imports only rooms on floors below its own. */
const floors = [
  ['httpsig'],
  ['protocol'],
  ['discovery', 'store', 'server'],
  ['verify'],
  ['agent', 'agent-server', 'resource', 'auth-server'],
  ['gateway'],
  ['playground'],
  ['cli'],
]

interface Manifest {
  readonly name: string
  readonly dependencies?: Record<string, string>
  readonly scripts?: Record<string, string>
}

const rooms = ['packages', 'apps'].flatMap(top =>
  readdirSync(join(root, top)).map(name => ({ name, folder: join(root, top, name) })),
)

function manifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest
}

function sources(folder: string): Array<{ file: string; text: string }> {
  return readdirSync(join(folder, 'src'), { recursive: true })
    .map(String)
    .filter(file => file.endsWith('.ts') && !/\.test\.ts$|fixture/.test(file))
    .map(file => ({ file, text: readFileSync(join(folder, 'src', file), 'utf8') }))
}

test('every room stands on one floor and depends on floors below it only', () => {
  expect(rooms.map(({ name }) => name).toSorted((a, b) => a.localeCompare(b))).toEqual(
    floors.flat().toSorted((a, b) => a.localeCompare(b)),
  )
  for (const { name, folder } of rooms) {
    const below = new Set(
      floors
        .slice(
          0,
          floors.findIndex(floor => floor.includes(name)),
        )
        .flat(),
    )
    const inside = Object.keys(manifest(folder).dependencies ?? {}).filter(dependency =>
      dependency.startsWith('@countersign/'),
    )
    for (const dependency of inside)
      expect(below, `${name} → ${dependency}`).toContain(dependency.slice('@countersign/'.length))
  }
})

test('a room imports what its package.json names, and no file inside another room', () => {
  for (const { name, folder } of rooms) {
    const { dependencies = {} } = manifest(folder)
    for (const { file, text } of sources(folder)) {
      for (const [, imported = ''] of text.matchAll(/from '(@countersign\/[^']+)'/g)) {
        const [scope, room, ...subpath] = imported.split('/')
        expect(Object.keys(dependencies), `${name}/${file}`).toContain(`${scope}/${room}`)
        expect(['', 'node', 'hono'], `${name}/${file} imports ${imported}`).toContain(subpath.join('/'))
      }
    }
  }
})

test('what runs in browsers and workers imports nothing of Node outside its node files', () => {
  for (const portable of ['httpsig', 'protocol', 'discovery', 'verify', 'agent', 'resource']) {
    const { folder } = rooms.find(({ name }) => name === portable) ?? { folder: '' }
    for (const { file, text } of sources(folder)) {
      const onNode = /(^|-)node\.ts$/.test(file) || isOnlyReachedFromNode(folder, file)
      if (!onNode)
        expect(/from 'node:|\bBuffer\b|\bprocess\./.test(withoutComments(text)), `${portable}/${file}`).toBe(false)
    }
  }
})

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')
}

/** A file that only node files import may use Node as well. */
function isOnlyReachedFromNode(folder: string, file: string): boolean {
  const importers = sources(folder).filter(({ text }) => text.includes(`'./${file.replace(/\.ts$/, '.js')}'`))
  return (
    importers.length > 0 &&
    importers.every(importer => /(^|-)node\.ts$/.test(importer.file) || isOnlyReachedFromNode(folder, importer.file))
  )
}

test('no package runs a script when it is installed', () => {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { hasInstallScript?: boolean }>
  }
  expect(Object.entries(lock.packages).filter(([, { hasInstallScript }]) => hasInstallScript)).toEqual([])
  for (const { name, folder } of rooms) expect(Object.keys(manifest(folder).scripts ?? {}), name).toEqual([])
})
