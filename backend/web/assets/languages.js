/** The languages of the page, Korean first. A new one is a file of words and a line here. */

import en from "./words.en.js";
import ko from "./words.ko.js";

/**
 * Every sentence of the page. English has the same as Korean, or the type check fails.
 * @typedef {typeof ko} Words
 */

/** @type {ReadonlyMap<string, Words>} */
export const LANGUAGES = new Map([
  ["ko", ko],
  ["en", en],
]);

/**
 * The language that the address asks for, else the first that the reader knows, else Korean.
 * @param {string} query
 * @param {readonly string[]} known
 * @returns {string}
 */
export function chosenLanguage(query, known) {
  const asked = new URLSearchParams(query).get("lang");
  const wishes = [asked ?? "", ...known.map((tag) => tag.split("-", 1)[0] ?? "")];
  return wishes.find((tag) => LANGUAGES.has(tag)) ?? "ko";
}

/**
 * The words of a language.
 * @param {string} language
 * @returns {Words}
 */
export function wordsOf(language) {
  const words = LANGUAGES.get(language);
  if (words === undefined) throw new RangeError(language);
  return words;
}
