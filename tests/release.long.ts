import { execFile } from 'node:child_process'
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { entries, faultsOf, readEntry } from '../scripts/check-packages.mjs'
import { packages, webUrl } from '../scripts/packages.mjs'
import { root, type Stand, stand } from './processes.fixture.js'

// A release as far as it goes without publishing: packed, checked, with an SBOM and notes.

const execute = promisify(execFile)
let place: Stand
let out: string

beforeAll(async () => {
  place = stand()
  out = join(place.folder, 'release')
  const before = await status()
  await execute(process.execPath, ['scripts/release.mjs', '9.9.9', '--dry-run', '--out', out], { cwd: root })
  expect(await status()).toBe(before)
})

afterAll(() => place.stop())

async function status(): Promise<string> {
  const { stdout } = await execute('git', ['status', '--porcelain'], { cwd: root })
  return stdout
}

/** The tarball of a package. */
function tarball(name: string): string {
  return join(out, `countersign-${name}-9.9.9.tgz`)
}

test('every package is packed at the version, with the licence, and depends on the others at that version', () => {
  const names = packages().map(({ manifest }) => manifest.name.slice('@countersign/'.length))
  expect(readdirSync(out).filter(file => file.endsWith('.tgz'))).toHaveLength(names.length)
  for (const name of names) {
    const manifest = JSON.parse(readEntry(tarball(name), 'package.json')) as Record<string, Record<string, string>>
    expect(manifest['version'], name).toBe('9.9.9')
    for (const kind of ['dependencies', 'optionalDependencies', 'peerDependencies'])
      for (const [dependency, at] of Object.entries(manifest[kind] ?? {}))
        if (dependency.startsWith('@countersign/')) expect(at, `${name} → ${dependency}`).toBe('9.9.9')
    expect(readEntry(tarball(name), 'LICENSE'), name).toContain('Apache License')
  }
})

test('every file that is shipped of dist has its source, which is shipped as well', () => {
  for (const { manifest } of packages()) {
    const files = new Set(entries(tarball(manifest.name.slice('@countersign/'.length))))
    const orphans = [...files].filter(file => {
      const [, name] = /^dist\/(.*?)\.(?:js|d\.ts)(?:\.map)?$/.exec(file) ?? []
      return name !== undefined && !files.has(`src/${name}.ts`) && !files.has(`src/${name}.tsx`)
    })
    expect(orphans, manifest.name).toEqual([])
  }
})

test('publint, attw and the links of the READMEs: a fault of a tarball stops a release', async () => {
  const folder = join(place.folder, 'wrong')
  await execute('mkdir', [folder])
  await execute('tar', ['-xzf', tarball('agent'), '-C', folder])
  const packed = async (file: string) => {
    await execute('tar', ['-czf', join(place.folder, file), 'package'], { cwd: folder })
    return faultsOf({ name: 'agent', tarball: join(place.folder, file) }, 'main')
  }
  expect(await packed('right.tgz')).toEqual([])

  const readme = readFileSync(join(folder, 'package/README.md'), 'utf8')
  const links = `[a](../x.md) [b](#nowhere) [c](${webUrl()}/blob/main/docs/nowhere.md) [d](${webUrl()}/blob/main/docs/mcp.md#nowhere)`
  writeFileSync(join(folder, 'package/README.md'), `${readme}\n${links}\n`)
  rmSync(join(folder, 'package/LICENSE'))
  rmSync(join(folder, 'package/dist/browser.js'))
  rmSync(join(folder, 'package/dist/node.d.ts'))
  rmSync(join(folder, 'package/dist/fetch/climb.js'))
  const faults = (await packed('wrong.tgz')).join('\n')
  expect(faults).toContain('LICENSE is missing')
  expect(faults).toContain('the link does not work outside the repository: ../x.md')
  expect(faults).toContain('there is no such heading: #nowhere')
  expect(faults).toContain(`there is no such file: ${webUrl()}/blob/main/docs/nowhere.md`)
  expect(faults).toContain(`there is no such heading: ${webUrl()}/blob/main/docs/mcp.md#nowhere`)
  expect(faults).toMatch(/publint: .*dist\/browser\.js/)
  expect(faults).toMatch(/dist\/[\w/-]+\.js imports \.(?:\/fetch)?\/climb\.js, which is missing/)
  expect(faults).toMatch(/attw: \w+ \.\/node/)
})

test('the SBOM names the packages that users install, and no development dependency', () => {
  const sbom = JSON.parse(readFileSync(join(out, 'sbom.cdx.json'), 'utf8')) as Sbom
  expect([sbom.bomFormat, sbom.metadata.component.name, sbom.metadata.component.version]).toEqual([
    'CycloneDX',
    'countersign',
    '9.9.9',
  ])
  const named = sbom.components.map(({ purl }) => purl)
  expect(named).toContain('pkg:npm/%40countersign/resource@9.9.9')
  expect(named.filter(purl => /npm\/(kysely|pino|tldts|hono|structured-headers)@/.test(purl))).toHaveLength(5)
  expect(
    named.filter(purl =>
      /npm\/(vitest|typescript|publint|playwright-core|fastify|fast-check)@|requirements@/.test(purl),
    ),
  ).toEqual([])
})

test('the SBOM says which packages the published command holds in itself', () => {
  const { components } = JSON.parse(readFileSync(join(out, 'sbom.cdx.json'), 'utf8')) as Sbom
  const bundled = components.filter(({ properties = [] }) =>
    properties.some(({ name, value }) => name === 'countersign:bundledIn' && value === '@countersign/cli'),
  )
  const names = bundled.map(({ name }) => name)
  expect(names).toContain('pino')
  expect(names).toContain('kysely')
  expect(names.filter(name => ['libsql', 'pg', 'redis'].includes(name))).toEqual([])
})

interface Sbom {
  readonly bomFormat: string
  readonly metadata: { readonly component: { readonly name: string; readonly version: string } }
  readonly components: ReadonlyArray<{
    readonly name: string
    readonly purl: string
    readonly properties?: ReadonlyArray<{ readonly name: string; readonly value: string }>
  }>
}

test('the notes are what the changelog has as unreleased, and say which commit was built', async () => {
  const { stdout: commit } = await execute('git', ['rev-parse', 'HEAD'], { cwd: root })
  const notes = readFileSync(join(out, 'notes.md'), 'utf8')
  expect(notes.startsWith(`# Countersign 9.9.9\n\nBuilt from \`${commit.trim()}\`.\n\n### `)).toBe(true)
  expect(notes).not.toContain('## [')
})
