// Where the links of a Markdown file lead on the site. In the repository they lead from file to file.
import { posix } from 'node:path'

/**
 * The place on the site of what a file links to: another page, an image beside it, or the repository for what is no page.
 * @param {string} href as it is written, such as `../docs/protocol.md#8-errors`
 * @param {{ file: string, pages: ReadonlyMap<string, string>, isFolder: (path: string) => boolean, repository: string }} place
 *   `file` that has the link; `pages` by file; `repository` such as https://github.com/OWNER/NAME
 */
export function siteLink(href, { file, pages, isFolder, repository }) {
  const [path, anchor] = split(inRepository(href, repository))
  if (path === undefined || path === '') return href
  const target = path.startsWith('/') ? path.slice(1) : posix.join(posix.dirname(file), path)
  const page = pages.get(target) ?? pages.get(posix.join(target, 'README.md'))
  if (page !== undefined) return relative(pages.get(file), page) + anchor
  const figure = /^docs\/(figures\/[\w-]+\.svg)$/.exec(target)
  if (figure !== null) return relative(pages.get(file), figure[1])
  return `${repository}/${isFolder(target) ? 'tree' : 'blob'}/main/${target}${anchor}`
}

/** A link to a file in the repository's web pages, as a path from its root; undefined for one to another site. */
function inRepository(href, repository) {
  const own = `${repository}/blob/main/`
  if (href.startsWith(own)) return `/${href.slice(own.length)}`
  return /^(?:[a-z][a-z+.-]*:|\/)/i.test(href) ? undefined : href
}

function split(href) {
  if (href === undefined) return [undefined, '']
  const at = href.indexOf('#')
  return at === -1 ? [href, ''] : [href.slice(0, at), href.slice(at)]
}

function relative(from, to) {
  const path = posix.relative(posix.dirname(from), to)
  return path.startsWith('.') ? path : `./${path}`
}

/** The name that GitHub gives a heading, so that links to headings work in both places. */
export function headingName(text) {
  return text
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-')
}

/** The clause ids of the protocol page: `<sub>sig.covered.query</sub>`. */
export function clausesIn(protocol) {
  return new Set([...protocol.matchAll(/<sub>([a-z0-9.-]+)<\/sub>/g)].map(([, id]) => id))
}
