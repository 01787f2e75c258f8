/** The `User-Agent` of thieves, by which the page tells their messages from those of agents. */
export const thiefAgent = 'Playground thief'
