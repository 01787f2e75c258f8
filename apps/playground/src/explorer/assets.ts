import { readdirSync, readFileSync } from 'node:fs'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import type { Context, Handler } from 'hono'

/** A file of the page. */
interface Asset {
  readonly type: string
  readonly bytes: Uint8Array<ArrayBuffer>
  /** The same, compressed by gzip, which every browser reads. */
  readonly compressed: Uint8Array<ArrayBuffer>
  /** The name changes with the content, so that a browser may keep it. */
  readonly isFixed: boolean
}

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
}

const folder = fileURLToPath(new URL('../../page-dist/', import.meta.url))

/**
 * The files of the page by path, read once.
 * @throws Error when the page has not been built
 */
function pageAssets(): ReadonlyMap<string, Asset> {
  try {
    const names = readdirSync(folder, { recursive: true }).map(name => String(name).replaceAll('\\', '/'))
    return new Map(
      names
        .filter(name => types[extname(name)] !== undefined)
        .map(name => {
          const bytes = new Uint8Array(readFileSync(join(folder, name)))
          const compressed = new Uint8Array(gzipSync(bytes, { level: 9 }))
          return [
            `/${name}`,
            { type: types[extname(name)] ?? '', bytes, compressed, isFixed: name.startsWith('assets/') },
          ]
        }),
    )
  } catch (cause) {
    throw new Error('the page of the playground is not built: run npm run build', { cause })
  }
}

/** Serves the page. Each view has a URL of its own, which a reload must find: what is no file is the page. */
export function pageFiles(): Handler {
  const assets = pageAssets()
  const index = assets.get('/index.html')
  return c => {
    const found = assets.get(c.req.path)
    // Its script is in the file, which the policy of this origin forbids: it is to be saved, and opened from there.
    if (c.req.path === '/paste.html') c.header('content-disposition', 'attachment; filename="countersign-paste.html"')
    if (found !== undefined) return answer(c, found)
    if (index === undefined || /^\/(?:api|assets)\//.test(c.req.path)) return c.text('nothing is here', 404)
    return answer(c, index)
  }
}

function answer(c: Context, { type, bytes, compressed, isFixed }: Asset): Response {
  if (isFixed) c.header('cache-control', 'max-age=31536000, immutable')
  if (!/\bgzip\b/.test(c.req.header('accept-encoding') ?? '')) return c.body(bytes, 200, { 'content-type': type })
  return c.body(compressed, 200, { 'content-type': type, 'content-encoding': 'gzip', vary: 'accept-encoding' })
}
