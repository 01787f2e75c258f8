import { type Level, satisfies } from '@countersign/protocol'
import { type BoundedMap, boundedMap } from '@countersign/protocol/internal'

/** The levels that worked, so that a second call begins at the right one. */
export interface OriginMemory {
  /** Returns the level that worked for this kind of request, else the highest that worked at its origin. */
  level(method: string, url: URL): Level | undefined
  remember(method: string, url: URL, level: Level): void
}

interface OriginLevels {
  readonly routes: BoundedMap<string, Level>
  best: Level
}

const maxOrigins = 1000
const maxRoutes = 64

export function originMemory(): OriginMemory {
  // bound: 1000 origins; bytes: 1000 × 64 routes; grown by the program; filled by bounded-collections-fills.test.ts "a
  // bounded map"
  const origins = boundedMap<string, OriginLevels>(maxOrigins)
  return {
    level(method, url) {
      const known = origins.get(url.origin)
      return known?.routes.get(routeClass(method, url)) ?? known?.best
    },
    remember(method, url, level) {
      // bound: 64 routes of an origin; bytes: 64 × a path segment; grown by the program; filled by
      // bounded-collections-fills.test.ts "a bounded map"
      const known = origins.get(url.origin) ?? { routes: boundedMap<string, Level>(maxRoutes), best: level }
      known.routes.set(routeClass(method, url), level)
      if (satisfies(level, known.best)) known.best = level
      origins.set(url.origin, known)
    },
  }
}

/** Groups requests that are likely to need the same level: reads, or writes, under one first path segment. */
function routeClass(method: string, url: URL): string {
  const kind = method === 'GET' || method === 'HEAD' ? 'read' : 'write'
  return `${kind} ${url.pathname.split('/', 2)[1] ?? ''}`
}
