// Reads the site that was built as its visitors get it: where links lead, and what pages load.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'

/**
 * One line for each link that leads nowhere, each file that is loaded from another site, and each id that stands twice.
 * @param {string} folder the site
 * @param {string} base the path under which it is served
 */
export function faultsOfSite(folder, base = '/') {
  const pages = new Map(filesIn(folder, '.html').map(file => [file, elementsIn(readFileSync(file, 'utf8'))]))
  const ids = new Map([...pages].map(([file, elements]) => [file, elements.flatMap(({ id }) => id ?? [])]))
  const site = { folder, base, ids: new Map([...ids].map(([file, names]) => [file, new Set(names)])) }
  return [
    ...[...pages].flatMap(([page, elements]) =>
      elements.flatMap(element => faultOf(element, { page, ...site }) ?? []).map(fault => named(folder, page, fault)),
    ),
    ...[...ids].flatMap(([page, names]) => repeated(names).map(id => named(folder, page, `the id ${id} stands twice`))),
    ...filesIn(folder, '.css').flatMap(file => foreignIn(file).map(url => named(folder, file, `loads ${url}`))),
  ]
}

function named(folder, file, fault) {
  return `${relative(folder, file).replaceAll('\\', '/')}: ${fault}`
}

function filesIn(folder, end) {
  return readdirSync(folder, { recursive: true })
    .map(file => join(folder, String(file)))
    .filter(file => file.endsWith(end))
    .toSorted()
}

/** Elements of a page with their attributes, as `{ element, id, href, src, … }`. */
function elementsIn(html) {
  const visible = html.replace(/<script(?![^>]* src=)[^>]*>[\s\S]*?<\/script>|<!--[\s\S]*?-->/g, '')
  return [...visible.matchAll(/<([a-z][\w-]*)((?:\s+[^\s=>"]+(?:="[^"]*")?)*)\s*\/?>/gi)].map(([, element, rest]) => ({
    element,
    ...Object.fromEntries([...rest.matchAll(/([^\s=>"]+)="([^"]*)"/g)].map(([, name, value]) => [name, plain(value)])),
  }))
}

function plain(value) {
  return value.replaceAll('&quot;', '"').replaceAll('&#39;', "'").replaceAll('&amp;', '&')
}

const isForeign = url => /^(?:https?:)?\/\//.test(url)

function faultOf({ element, href, src, alt, srcset }, place) {
  const loaded = element === 'link' ? href : src
  if (loaded !== undefined && isForeign(loaded)) return `loads ${loaded}`
  if (srcset !== undefined) return `has a srcset, which is not looked at: ${srcset}`
  if (element === 'img' && (alt ?? '') === '') return `an image without a description: ${src}`
  for (const url of [href, src])
    if (url !== undefined && !isForeign(url) && !/^(?:data|mailto):/.test(url) && !leadsSomewhere(url, place))
      return `${url} leads nowhere`
  return undefined
}

/** Whether a file of the site answers, and has an element of that id. */
function leadsSomewhere(url, { page, folder, base, ids }) {
  const here = `${base}${relative(folder, page).replaceAll('\\', '/')}`
  const { pathname, hash } = new URL(url, `http://site.invalid${here}`)
  if (!pathname.startsWith(base)) return false
  const file = fileOf(join(folder, decodeURIComponent(pathname.slice(base.length))))
  if (file === undefined) return false
  return hash === '' || ids.get(file)?.has(decodeURIComponent(hash.slice(1))) === true
}

/** As a static web server finds it: the file, the page of that name, or the index of the folder. */
function fileOf(path) {
  return [path, `${path}.html`, join(path, 'index.html')].find(file => existsSync(file) && statSync(file).isFile())
}

function repeated(names) {
  return [...new Set(names.filter((name, at) => names.indexOf(name) !== at))]
}

function foreignIn(file) {
  const urls = readFileSync(file, 'utf8').matchAll(/(?:url\(|@import\s+)\s*["']?([^"')\s]+)/g)
  return [...urls].map(([, url]) => url).filter(isForeign)
}

/** The text of the search index; undefined where there is none. */
export function searchIndexOf(folder) {
  const [file] = filesIn(folder, '.js').filter(name => name.includes('@localSearchIndex'))
  return file === undefined ? undefined : readFileSync(file, 'utf8')
}
