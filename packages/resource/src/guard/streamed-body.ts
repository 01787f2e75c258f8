import { type BodyCheck, headerValues } from '@countersign/httpsig'
import { contentDigestCheck, hasBody } from '@countersign/httpsig/internal'
import type { AAuthError } from '@countersign/protocol'
import { asAAuthError, refusal } from '@countersign/protocol/internal'
import type { RequestFacts } from './guarded-request.js'

/** The check of a body while its handler reads it, and the response where it fails before the handler has begun. */
export interface StreamedBody extends BodyCheck {
  refusal(error: unknown): Promise<Response>
}

/**
 * The check of a body while its handler reads it; undefined where the body was read before, the request is unsigned, or the route
 * does not stream.
 * @param o.tell called once, when the body differs from the signed one
 * @see protocol §3.4
 */
export function streamedBody(
  { message, route, verified }: RequestFacts,
  o: { tell(error: AAuthError): void; refusal(error: unknown): Promise<Response> },
): StreamedBody | undefined {
  const { opened } = verified
  if (route.body !== 'stream' || opened === undefined || message.body !== undefined) return undefined
  const check =
    opened.refusedByte === undefined && hasBody(message)
      ? contentDigestCheck(headerValues(message, 'content-digest').join(', '))
      : noBody
  const count = chunkCount()
  const update = (chunk: Uint8Array): void => {
    count(chunk)
    check.update(chunk)
  }
  return {
    update: chunk => telling(() => update(chunk), o.tell),
    end: () => telling(() => check.end(), o.tell),
    refusal: o.refusal,
  }
}

/** Chunks that any body may come in; beyond these they must hold 16 bytes each, as of a body that is read whole. */
const freeChunks = 4096

/** Stops a body of tiny chunks, each of which costs its reader far more time and memory than its bytes are worth (DIG-20). */
function chunkCount(): (chunk: Uint8Array) => void {
  let chunks = 0
  let bytes = 0
  return chunk => {
    chunks++
    bytes += chunk.length
    if (chunks > freeChunks + bytes / 16) throw refusal('body_chunks_too_small')
  }
}

/** Without a signed digest, the first byte refuses. */
const noBody: BodyCheck = {
  update(chunk) {
    if (chunk.length > 0) throw refusal('component_not_covered', { about: 'content-digest' })
  },
  end: () => undefined,
}

function telling(step: () => void, tell: (error: AAuthError) => void): void {
  try {
    step()
  } catch (thrown) {
    tell(asAAuthError(thrown))
    throw thrown
  }
}
