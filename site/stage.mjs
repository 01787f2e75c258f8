// Puts the pages in the place from which VitePress builds. Nothing of it is committed.
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { apiFolder, pagesOf } from './pages.mjs'

/**
 * Copies every page to its place on the site, and the figures beside them.
 * @param {string} root the checkout
 * @param {string} into the folder for it
 */
export function stage(root, into) {
  rmSync(into, { recursive: true, force: true })
  for (const [file, page] of pagesOf(root)) {
    const text = readFileSync(`${root}/${file}`, 'utf8')
    mkdirSync(dirname(`${into}/${page}`), { recursive: true })
    writeFileSync(`${into}/${page}`, file.startsWith(`${apiFolder}/`) ? withOwnAnchors(text) : text)
  }
  cpSync(`${root}/site/public`, `${into}/public`, { recursive: true })
  if (existsSync(`${root}/docs/figures`)) cpSync(`${root}/docs/figures`, `${into}/figures`, { recursive: true })
}

/** A page of the API reference whose anchors are the ids of its headings. Other headings are numbered: many are called `Parameters`. */
export function withOwnAnchors(text) {
  let count = 0
  return text
    .split(/^(```[\s\S]*?^```)/m)
    .map((part, index) => {
      if (index % 2 === 1) return part
      return part
        .replace(/^<a id="([^"]+)"><\/a>\n\n(#+ .*)$/gm, '$2 {#$1}')
        .replace(/^(#{2,} .*[^}\n])$/gm, heading => `${heading} {#part-${++count}}`)
    })
    .join('')
}
