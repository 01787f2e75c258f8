import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { headingName } from '../site/links.mjs'
import { inlineCode, readPages } from './pages.fixture.js'
import { root } from './processes.fixture.js'

// What the pages refer to exists: files, headings, sections of the protocol. The site checks the same of what it is built from.

const pages = readPages()
const textOf = (file: string): string => readFileSync(join(root, file), 'utf8')

/** The names of the headings of a page, as links use them: a second one of a name has `-1`. */
function anchorsOf(file: string): Set<string> {
  const seen = new Map<string, number>()
  const prose = textOf(file).replaceAll(/^ *```[\s\S]*?^ *```$/gm, '')
  const headings = [...prose.matchAll(/^#{1,6} (.+)$/gm)].map(([, heading = '']) => {
    const name = headingName(heading)
    const before = seen.get(name)
    seen.set(name, (before ?? -1) + 1)
    return before === undefined ? name : `${name}-${before + 1}`
  })
  return new Set([...headings, ...[...prose.matchAll(/<a id="([^"]+)">/g)].map(([, id = '']) => id)])
}

test('every link to a file leads to one, and to a heading that it has', () => {
  const links = pages.flatMap(({ file, text }) =>
    [...text.replaceAll(/^ *```[\s\S]*?^ *```$/gm, '').matchAll(/\]\((?!https?:|mailto:)([^)\s]*)\)/g)].map(
      ([, href = '']) => ({ file, href }),
    ),
  )
  // The page that begins the site names its pages by their place there.
  const own = links.filter(({ file }) => file !== 'site/home.md')
  expect(own.length).toBeGreaterThan(600)
  const broken = own.filter(({ file, href }) => {
    const [path = '', anchor] = href.split('#')
    const target = path === '' ? file : join(dirname(file), path)
    if (!existsSync(join(root, target))) return true
    return anchor !== undefined && target.endsWith('.md') && !anchorsOf(target).has(anchor)
  })
  expect(broken).toEqual([])
})

test('every file that a page names by its path is there', () => {
  const named = pages.flatMap(({ file, text }) =>
    inlineCode({ file, text })
      .filter(code => /^[\w@.-]+(?:\/[\w@.-]+)+\.(?:tsx?|mjs|json|jsonl|ya?ml|md|txt|pml|py|conf|service)$/.test(code))
      .map(code => ({ file, code })),
  )
  expect(named.length).toBeGreaterThan(60)
  // Pages name files by the end of their path, too. `DATA` is the folder of a server, and `bundle` is made with the package.
  const files = readdirSync(root, { withFileTypes: true })
    .filter(entry => entry.isDirectory() && !['node_modules', '.git', '.countersign', 'tarballs'].includes(entry.name))
    .flatMap(({ name }) =>
      readdirSync(join(root, name), { recursive: true, encoding: 'utf8' }).map(file => `/${name}/${file}`),
    )
    .filter(file => !file.includes('/node_modules/'))
  const isThere = (code: string): boolean =>
    /^(?:DATA|bundle)\//.test(code) || files.some(file => file.endsWith(`/${code}`))
  expect(named.filter(({ code }) => !isThere(code))).toEqual([])
})

test('every section of the protocol that a page names is there', () => {
  const sections = new Set(
    [...textOf('docs/protocol.md').matchAll(/^#{2,3} (\d+(?:\.\d+)?)[ .]/gm)].map(([, number]) => number),
  )
  expect(sections.size).toBeGreaterThan(30)
  // Those of RFCs and of other documents stand behind their names.
  const named = pages.flatMap(({ file, text }) =>
    [...text.matchAll(/(RFC \d+|HTTP|JWT|draft[\w-]*|JOSE)?,? ?§ ?(\d+(?:\.\d+)?)(?!\.\d)/g)].flatMap(
      ([, of, number]) => (of === undefined ? [{ file, number }] : []),
    ),
  )
  expect(named.length).toBeGreaterThan(200)
  expect(named.filter(({ number }) => !sections.has(number))).toEqual([])
})
