"use strict";
// What the scripts of a page find when it stands alone; notebook.js gives the same in a notebook.

const root = document;
const frame = document.querySelector(".frame");
const data = JSON.parse(document.getElementById("data").textContent);
const signal = undefined; // a page of its own is closed with its window

