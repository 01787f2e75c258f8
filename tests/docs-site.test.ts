import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { folderOfTest } from '@countersign/testing/folders'
import { describe, expect, test } from 'vitest'
import { faultsOfSite, searchIndexOf } from '../site/check-site.mjs'
import { clausesIn, headingName, siteLink } from '../site/links.mjs'
import { groups, pagesOf } from '../site/pages.mjs'
import { withOwnAnchors } from '../site/stage.mjs'
import { root } from './processes.fixture.js'

// What the site is made by, and what looks it over. The site itself is built in the long tier.

describe('a link of a file', () => {
  const pages = new Map([
    ['README.md', 'start.md'],
    ['docs/protocol.md', 'protocol.md'],
    ['docs/tutorials/two-hops.md', 'tutorials/two-hops.md'],
    ['packages/agent/README.md', 'packages/agent.md'],
  ])
  const repository = 'https://github.com/owner/name'
  const place = { file: 'docs/protocol.md', pages, repository, isFolder: (path: string) => path === 'deploy' }

  test.each([
    ['tutorials/two-hops.md', './tutorials/two-hops.md'],
    ['#8-errors', '#8-errors'],
    ['../README.md#install', './start.md#install'],
    ['../packages/agent/README.md#users', './packages/agent.md#users'],
    ['../packages/agent', './packages/agent.md'],
    ['figures/climb.svg', './figures/climb.svg'],
    ['https://example.com/a.md', 'https://example.com/a.md'],
    ['mailto:a@example.com', 'mailto:a@example.com'],
  ])('%s leads to %s', (href, to) => {
    expect(siteLink(href, place)).toBe(to)
  })

  test('to a file that is no page leads to the repository', () => {
    expect(siteLink('../deploy', place)).toBe(`${repository}/tree/main/deploy`)
    expect(siteLink('../deploy/auth.yaml#L3', place)).toBe(`${repository}/blob/main/deploy/auth.yaml#L3`)
  })

  test('to a page by its address in the repository leads to the page', () => {
    const api = { ...place, file: 'packages/agent/README.md' }
    expect(siteLink(`${repository}/blob/main/docs/protocol.md#8-errors`, api)).toBe('../protocol.md#8-errors')
    expect(siteLink('https://github.com/other/name/blob/main/docs/protocol.md', api)).toBe(
      'https://github.com/other/name/blob/main/docs/protocol.md',
    )
  })
})

test('a heading has the name that GitHub gives it', () => {
  expect(headingName('3.7 Replay [c]')).toBe('37-replay-c')
  expect(headingName('@countersign/resource: `guard`')).toBe('countersignresource-guard')
})

test('the clauses of the protocol page are found by their ids', () => {
  const clauses = clausesIn(readFileSync(join(root, 'docs/protocol.md'), 'utf8'))
  expect(clauses.size).toBeGreaterThan(400)
  expect(clauses).toContain('sig.covered.query')
})

test('every page of the repository stands in the navigation, once, and nothing else does', () => {
  const listed = groups.flatMap(({ items }) => items.map(({ link }) => link))
  const wanted = [...pagesOf(root).values()]
    .filter(page => page !== 'index.md' && !page.startsWith('api/'))
    .map(page => `/${page.replace(/(?:(?<=\/)index)?\.md$/, '')}`)
  expect(new Set(listed)).toEqual(new Set(wanted))
  expect(listed).toHaveLength(wanted.length)
})

test('anchors of the API reference become ids of its headings, and no id stands twice', () => {
  const page =
    '# Module\n\n<a id="guard"></a>\n\n### guard()\n\n#### Parameters\n\n```ts\n## no heading\n```\n\n#### Parameters\n'
  expect(withOwnAnchors(page)).toBe(
    '# Module\n\n### guard() {#guard}\n\n#### Parameters {#part-1}\n\n```ts\n## no heading\n```\n\n#### Parameters {#part-2}\n',
  )
})

describe('a site', () => {
  function siteOf(files: Readonly<Record<string, string>>): string {
    const folder = folderOfTest()
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true })
      writeFileSync(join(folder, name), text)
    }
    return folder
  }

  const sound = {
    'index.html':
      '<link rel="stylesheet" href="/a.css"><script src="/a.js"></script><a href="./sub/b.html#it">b</a><a href="/sub/">c</a><img src="/f.svg" alt="A figure">',
    'sub/b.html':
      '<h1 id="it">b</h1><a href="../">a</a><a href="https://example.com/">elsewhere</a><!-- <a href="x"> -->',
    'sub/index.html': '<a href="b.html">b</a>',
    'a.css': 'a { background: url(/f.svg) }',
    'a.js': '',
    'f.svg': '',
  }

  test('without a fault has none', () => {
    expect(faultsOfSite(siteOf(sound))).toEqual([])
  })

  test.each([
    [
      'a page that is not there',
      { 'sub/b.html': '<h1 id="it"></h1><a href="c.html">c</a>' },
      'sub/b.html: c.html leads nowhere',
    ],
    ['an anchor that is not there', { 'sub/b.html': '<h1 id="that">' }, 'index.html: ./sub/b.html#it leads nowhere'],
    [
      'an id that stands twice',
      { 'sub/index.html': '<b id="a"></b><b id="a"></b>' },
      'sub/index.html: the id a stands twice',
    ],
    [
      'a script of another site',
      { 'sub/index.html': '<script src="https://cdn.example/a.js"></script>' },
      'sub/index.html: loads https://cdn.example/a.js',
    ],
    ['a font of another site', { 'a.css': '@import "//fonts.example/a.css";' }, 'a.css: loads //fonts.example/a.css'],
    [
      'a preloaded file of another site',
      { 'sub/index.html': '<link rel="preconnect" href="https://fonts.example">' },
      'sub/index.html: loads https://fonts.example',
    ],
    [
      'an image of another site',
      { 'sub/index.html': '<img src="https://badge.example/a.svg" alt="A">' },
      'sub/index.html: loads https://badge.example/a.svg',
    ],
    [
      'an image without a description',
      { 'sub/index.html': '<img src="/f.svg" alt="">' },
      'sub/index.html: an image without a description: /f.svg',
    ],
  ])('with %s has that fault', (_, changed, fault) => {
    expect(faultsOfSite(siteOf({ ...sound, ...changed }))).toEqual([fault])
  })

  test('under a path leads nowhere else', () => {
    const files = { 'index.html': '<a href="/docs/b.html">b</a>', 'b.html': '<a href="/b.html">b</a>' }
    expect(faultsOfSite(siteOf(files), '/docs/')).toEqual(['b.html: /b.html leads nowhere'])
  })

  test('has its search index, or not', () => {
    expect(searchIndexOf(siteOf({ 'chunks/@localSearchIndexroot.abc.js': 'words' }))).toBe('words')
    expect(searchIndexOf(siteOf(sound))).toBeUndefined()
  })
})
