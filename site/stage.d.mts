/** A page of the API reference whose anchors are the ids of its headings. */
export function withOwnAnchors(text: string): string
