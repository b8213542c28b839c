"""What models are asked, one module per version. A version that was released is never edited: add the next one."""
