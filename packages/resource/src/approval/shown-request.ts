import type { ReceivedMessage } from '@countersign/httpsig'
import { pathOf, queryOf } from '@countersign/httpsig/internal'
import type { DescribedRequest } from './describe.js'
import { shownBody } from './shown-body.js'
import { shownPath } from './shown-path.js'
import { shownQuery } from './shown-query.js'
import type { Unshown } from './unshown.js'

/** A request that is described, and what of it is not. */
export interface ShownRequest {
  readonly described: DescribedRequest
  /** A part of the request that does more than its user is shown; to be asked once it is described. */
  hiddenPart(): 'path' | 'query' | 'body' | undefined
}

/** What is known of a request beside its message. */
export interface ShownBy {
  readonly unshown: Unshown
  /** By its headers, the body is JSON and nothing else. */
  readonly isJson: boolean
  /** The arguments that a message in the body holds; empty where it holds more than them. */
  readonly operand: Uint8Array | undefined
  /** The first segment of the path that the route leaves open. */
  readonly openFrom: number | undefined
}

/**
 * A request to be described, of which the user must see all: a `bcc`, `?amount=5000` or `Amount` beside `amount` would go along unseen.
 * Only what the digest binds is described: a header that nobody signed could change the display, or the request (APR-19).
 */
export function shownRequest(message: ReceivedMessage, { unshown, isJson, operand, openFrom }: ShownBy): ShownRequest {
  const { method, target } = message
  const body = new Uint8Array(message.body ?? [])
  const path = shownPath(pathOf(target), unshown.path, openFrom)
  const query = shownQuery(queryOf(target) ?? '', unshown.query)
  const shown = shownBody({ bytes: operand ?? body, isJson: operand !== undefined || isJson }, unshown.body)
  return {
    described: {
      method,
      path: pathOf(target),
      query: queryOf(target) ?? '',
      body,
      segment: path.segment,
      parameter: query.parameter,
      json: shown.json,
    },
    hiddenPart() {
      if (!path.isShown()) return 'path' // approval.shown
      if (!query.isShown()) return 'query' // approval.shown
      // What a message holds beside its arguments, no place can name.
      if (operand?.length === 0 || !shown.isShown()) return 'body' // approval.shown
      return undefined
    },
  }
}
