import type { Fetcher } from '@countersign/discovery'
import { shareSite } from '@countersign/discovery/internal'
import { guardedFetcher } from '@countersign/discovery/node'
import { valueInTime } from './in-time.js'
import { pictureOf } from './picture.js'

const mediaTypes = ['image/png', 'image/jpeg', 'image/webp'] as const
const maxBytes = 64 * 1024
/** Pixels a side: a small file could unpack to gigabytes in the user's browser. */
const maxSide = 1024
const maxEntries = 200
const maxConcurrent = 16
/** Fetches at one site at once: pictures that never arrive must not block those of other sites. */
const maxOfSite = 2
/** Seconds for which a picture, or the lack of one, is kept. */
const [keep, keepNone] = [3600, 300]

/** Logos that agents claim. */
export interface ClaimedLogos {
  /** The picture as a `data:` URL; undefined when there is none to show, or not yet. Never rejects, never takes long. */
  find(logoUri: string | undefined): Promise<string | undefined>
}

/** How {@link claimedLogos} fetches. */
export interface ClaimedLogosOptions {
  /** Unix seconds. */
  readonly now: () => number
  /** Lets pictures be at loopback addresses. Default false. */
  readonly development?: boolean
  /** Default: the guarded fetcher, for PNG, JPEG and WebP. */
  readonly fetcher?: Fetcher | undefined
  /** Seconds a page waits for a picture that is not here yet; default 1. It goes on arriving for the next page. */
  readonly patience?: number
}

/**
 * Fetches pictures on the server and puts them into the page: if browsers loaded them, the agent would learn who looks at it and
 * from where. They are kept for an hour, so that fetches do not tell the agent when a user looks, either.
 */
export function claimedLogos(o: ClaimedLogosOptions): ClaimedLogos {
  const { now, development = false, patience = 1 } = o
  const fetcher = o.fetcher ?? guardedFetcher({ mediaTypes, dangerouslyAllowLoopback: development })
  // bound: 200 pictures; bytes: 200 × 88 KiB; grown by a stranger; shared: by age; a picture that went is fetched
  // again; filled by claimed-logo.test.ts "a picture is fetched at most once an hour"
  const kept = new Map<string, { readonly until: number; readonly url: string | undefined }>()
  // bound: 16 fetches of 5 seconds; bytes: 16 × 64 KiB; grown by a stranger; shared: 2 of a site; filled by
  // claimed-logo.test.ts "few are fetched at once"
  const fetching = new Map<string, Promise<string | undefined>>()

  async function fetchOne(logoUri: string): Promise<string | undefined> {
    const url = await dataUrl(fetcher, logoUri).catch(() => undefined)
    kept.delete(logoUri)
    kept.set(logoUri, { url, until: now() + (url === undefined ? keepNone : keep) })
    const [oldest] = kept.keys()
    if (kept.size > maxEntries && oldest !== undefined) kept.delete(oldest)
    fetching.delete(logoUri)
    return url
  }

  function ofSite(logoUri: string): number {
    const site = shareSite(logoUri)
    return [...fetching.keys()].filter(other => shareSite(other) === site).length
  }

  return {
    async find(logoUri) {
      if (logoUri === undefined) return undefined
      const known = kept.get(logoUri)
      if (known !== undefined && known.until > now()) return known.url
      let picture = fetching.get(logoUri)
      if (picture === undefined) {
        if (fetching.size >= maxConcurrent || ofSite(logoUri) >= maxOfSite) return undefined
        picture = fetchOne(logoUri)
        fetching.set(logoUri, picture)
      }
      return valueInTime(picture, patience)
    },
  }
}

async function dataUrl(fetcher: Fetcher, logoUri: string): Promise<string | undefined> {
  const { status, contentType, body } = await fetcher(logoUri, { maxBytes })
  if (status !== 200 || body.length > maxBytes) return undefined
  const picture = pictureOf(body)
  // Media type and content must agree: browsers go by the one, this check by the other.
  if (picture === undefined || picture.mediaType !== contentType.split(';', 1)[0]?.trim().toLowerCase())
    return undefined
  const { width, height, mediaType } = picture
  if (width < 1 || height < 1 || width > maxSide || height > maxSide) return undefined
  return `data:${mediaType};base64,${Buffer.from(body).toString('base64')}`
}
