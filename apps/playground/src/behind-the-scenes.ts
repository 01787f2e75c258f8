import type { TracedExchange } from '@countersign/server'

/** Requests with this `User-Agent` belong to no story: the page reads what is published, and the stage is cleared. */
export const behindTheScenes = 'Playground, behind the scenes'

/** Whether a request was made behind the scenes. */
export function isBehindTheScenes({ request }: TracedExchange): boolean {
  return request.headers.some(([name, value]) => name.toLowerCase() === 'user-agent' && value === behindTheScenes)
}
