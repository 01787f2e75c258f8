// Follows the links of the pages that were written.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'

/**
 * Takes numbers off anchors that only the links have: TypeDoc counts the member `AgentError.code` and the type `AgentErrorCode` as
 * one name, and the Markdown has an anchor for each.
 */
export function mendAnchors(folder) {
  for (const page of pagesOf(folder)) {
    const text = readFileSync(page, 'utf8')
    const anchors = anchorsOf(text)
    const mended = text.replace(/\]\(#([^)\s]+)-\d+\)/g, (link, name) =>
      anchors.has(link.slice(3, -1)) || !anchors.has(name) ? link : `](#${name})`,
    )
    if (mended !== text) writeFileSync(page, mended)
  }
}

function pagesOf(folder) {
  return readdirSync(folder, { recursive: true })
    .map(String)
    .filter(file => file.endsWith('.md'))
    .map(file => join(folder, file))
}

/** @returns one line for each link to a file or heading that is not there */
export function brokenLinks(folder) {
  const pages = pagesOf(folder)
  const anchors = new Map(pages.map(page => [page, anchorsOf(readFileSync(page, 'utf8'))]))
  return pages.flatMap(page =>
    linksOf(readFileSync(page, 'utf8')).flatMap(to => {
      const [path, anchor] = to.split('#')
      const target = path === '' ? page : join(dirname(page), decodeURI(path))
      const found = existsSync(target) && (anchor === undefined || anchors.get(target)?.has(anchor) === true)
      return found ? [] : [`${relative(folder, page)}: ${to} leads nowhere`]
    }),
  )
}

function linksOf(text) {
  return [...outsideSamples(text).matchAll(/\]\(([^)\s]+)\)/g)].map(([, to]) => to).filter(to => !/^https?:/.test(to))
}

function anchorsOf(text) {
  return new Set([...outsideSamples(text).matchAll(/<a id="([^"]+)">/g)].map(([, name]) => name))
}

function outsideSamples(text) {
  return text.replace(/^ *```[\s\S]*?^ *```/gm, '')
}
