/**
 * The part of highlight.js that is used. Its own types bring in those of browsers, which would replace
 * Deno's in every file.
 */
declare const highlight: {
  getLanguage(name: string): object | undefined;
  highlight(text: string, options: { language: string }): { value: string };
};
export default highlight;
