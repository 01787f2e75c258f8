import { readdirSync, readFileSync } from 'node:fs'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'

/** A file of the page. */
export interface Asset {
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
export function pageAssets(): ReadonlyMap<string, Asset> {
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
