/**
 * Whether this is not a page. Texts for the developer of a server are written as `offPage && 'a sentence'`: in browsers it is false,
 * bundlers remove the sentence, and the reason of the error stands in its place.
 */
export const offPage: boolean = true
