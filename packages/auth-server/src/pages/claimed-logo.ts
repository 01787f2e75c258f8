import type { Fetcher } from '@countersign/discovery'

/** Pictures that agents claim as theirs. */
export interface ClaimedLogos {
  /** The picture as a `data:` URL; undefined when there is none to show, or not yet. Never rejects, never takes long. */
  find(logoUri: string | undefined): Promise<string | undefined>
}

/** Fetches them, through `fetcher`. */
export function claimedLogos(_o: { readonly fetcher: Fetcher; readonly now: () => number }): ClaimedLogos {
  return { find: async () => undefined }
}
