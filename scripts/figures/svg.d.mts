/** The same text in lines of at most so many characters, broken behind a blank, comma, semicolon, colon or equals sign. */
export function wrapped(content: string, most: number): string[]
