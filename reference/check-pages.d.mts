/** Takes numbers off anchors that only the links have. */
export function mendAnchors(folder: string): void

/** One line for each link to a file or heading that is not there. */
export function brokenLinks(folder: string): string[]
