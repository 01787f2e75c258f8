import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { releaseSection, releasesIn, withCommit } from '../scripts/changelog.mjs'
import { anchorsOf } from '../scripts/check-packages.mjs'
import { absoluteLinks, outsideSamples } from '../scripts/pack.mjs'
import { packages, readManifest, sharedMetadata, webUrl } from '../scripts/packages.mjs'
import { root } from './processes.fixture.js'

test('every manifest says where the package is from, and all say the same', () => {
  expect(packages().length).toBeGreaterThan(10)
  for (const { room, manifest } of packages()) {
    // After a change in the project's own package.json: node scripts/packages.mjs
    expect(manifest, room).toMatchObject(sharedMetadata(room))
    expect(manifest.sideEffects, room).toBe(false)
    expect(manifest.description, room).toMatch(/^[A-Z].{15,}|^curl /)
    expect(manifest.keywords, room).toContain('aauth')
    expect(manifest.keywords?.length, room).toBeGreaterThan(3)
  }
  expect(readManifest(root)['homepage']).toBe(`${webUrl()}#readme`)
  expect(readManifest(root)['bugs']).toEqual({ url: `${webUrl()}/issues` })
})

test('no page names another repository of the project', () => {
  const owner = new URL(webUrl()).pathname.split('/')[1]
  const pages = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'SECURITY.md', ...markdown('docs'), ...readmes()]
  for (const page of pages)
    for (const [, named] of readFileSync(join(root, page), 'utf8').matchAll(/github\.com\/([^/\s]+)\/countersign\b/g))
      expect(named, page).toBe(owner)
})

test('every package has a README that says how to get it and what each of its entry points is for', () => {
  for (const { room, folder: place, manifest } of packages()) {
    const page = readFileSync(join(place, 'README.md'), 'utf8')
    expect(page.startsWith(`# ${manifest.name}\n`), room).toBe(true)
    expect(page, room).toMatch(/npm install|npx -y/)
    for (const entry of Object.keys(manifest.exports ?? {}).filter(one => !/^\.$|^\.\/internal\b/.test(one)))
      expect(page.includes(`${manifest.name}${entry.slice(1)}`), `${room} says nothing of ${entry}`).toBe(true)
  }
})

test('every link between pages leads to a file, and to a heading there', () => {
  const pages = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'SECURITY.md', 'bench/README.md', ...markdown('docs')]
  const wrong = [...pages, ...readmes()].flatMap(page => wrongLinks(page))
  expect(wrong).toEqual([])
})

test('the index of the docs links every page of the folder', () => {
  const index = readFileSync(join(root, 'docs/README.md'), 'utf8')
  // Of a folder, its own index.
  const linked = new Set([...index.matchAll(/\]\(([^)\s]+?)(?:\/README\.md)?\)/g)].map(([, to]) => to))
  expect(readdirSync(join(root, 'docs')).filter(file => file !== 'README.md' && !linked.has(file))).toEqual([])
})

function wrongLinks(page: string): string[] {
  const text = readFileSync(join(root, page), 'utf8')
  const wrong: string[] = []
  outsideSamples(text, part => {
    for (const [, to = ''] of part.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^(https?|mailto):/.test(to)) continue
      const [path = '', anchor] = to.split('#')
      const target = path === '' ? page : join(page, '..', path)
      const found = existsSync(join(root, target))
      const named = () => anchor === undefined || anchorsOf(readFileSync(join(root, target), 'utf8')).has(anchor)
      if (!found || !named()) wrong.push(`${page}: ${to}`)
    }
    return part
  })
  return wrong
}

test('a README that is packed links to the repository', () => {
  const page =
    '[a](../../docs/protocol.md#8-errors) [b](#c) [d](https://x.example) [e](../agent)\n```md\n[f](../g)\n```\n'
  expect(absoluteLinks(page, 'packages/resource', 'v0.2.0')).toBe(
    `[a](${webUrl()}/blob/v0.2.0/docs/protocol.md#8-errors) [b](#c) [d](https://x.example) [e](${webUrl()}/blob/v0.2.0/packages/agent)\n\`\`\`md\n[f](../g)\n\`\`\`\n`,
  )
  expect(() => absoluteLinks('[a](../../../elsewhere)', 'packages/resource', 'v0.2.0')).toThrow(/out of the repository/)
})

test('a release takes the unreleased changes, and its commit is named afterwards', () => {
  const page = '# Changelog\n\n## [Unreleased]\n\n### Fixed\n\n- it\n\n## [0.1.0] - 2026-11-26\n\nfirst\n'
  const released = releaseSection(page, '0.2.0', '2027-01-02')
  const commit = 'b'.repeat(40)
  expect(releasesIn(withCommit(released, '0.2.0', commit)).slice(0, 2)).toEqual([
    { version: 'Unreleased', date: undefined, commit: undefined, notes: '' },
    { version: '0.2.0', date: '2027-01-02', commit, notes: '### Fixed\n\n- it' },
  ])
  expect(() => releaseSection(released, '0.3.0', '2027-01-02')).toThrow(/nothing to release/)
  expect(() => releaseSection(page, '0.1.0', '2027-01-02')).toThrow(/released already/)
})

function readmes(): string[] {
  const folders = readdirSync(join(root, 'examples'), { withFileTypes: true }).filter(entry => entry.isDirectory())
  const others = ['examples/README.md', ...folders.map(({ name }) => `examples/${name}/README.md`)]
  return [...packages().map(({ room }) => `${room}/README.md`), ...others]
}

function markdown(top: string): string[] {
  return readdirSync(join(root, top), { recursive: true })
    .map(String)
    .filter(file => file.endsWith('.md'))
    .map(file => `${top}/${file}`)
}
