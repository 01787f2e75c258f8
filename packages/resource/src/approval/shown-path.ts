import { NotShowable } from './not-showable.js'
import { isUnshown, type Unshown } from './unshown.js'

/** The path of a request, which knows the segments that were taken of it. */
export interface ShownPath {
  segment(at: number): string
  /** Whether a user sees all that the route leaves open. */
  isShown(): boolean
}

/**
 * @param openFrom the first segment that the route leaves open, if the guard knows it: from there on, or from the first segment that is
 * shown, all must be. `/messages/5` would be shown where `/messages/5/attachments` is deleted.
 */
export function shownPath(path: string, unshown: Unshown['path'], openFrom: number | undefined): ShownPath {
  const segments = path.split('/')
  // bound: one call
  const taken = new Set<number>()
  return {
    segment(at) {
      const found = at > 0 ? segments[at] : undefined
      if (found === undefined || found === '') throw new NotShowable('its path lacks a segment that is to be shown')
      taken.add(at)
      return decoded(found)
    },
    isShown() {
      const first = [...taken].reduce((one, other) => Math.min(one, other), openFrom ?? segments.length)
      return segments.every((_, at) => at < first || taken.has(at) || isUnshown(unshown, at))
    },
  }
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    throw new NotShowable('its path is not UTF-8')
  }
}
